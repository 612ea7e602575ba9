/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/qemu/tell.h - one datagram to the agent, which nobody waits for
 */
#ifndef REMORA_HOOKS_QEMU_TELL_H
#define REMORA_HOOKS_QEMU_TELL_H

#include "hooks/wire/client.h"

#include <stdbool.h>

/* Sends it to path. XML that makes it longer than WIRE_DATAGRAM_MAX is left
 * out. false: nobody listens there. true says nothing of its arrival: an agent
 * may be too busy to take it. */
bool
hook_tell(const char *path, enum wire_op op, const struct wire_domain *domain);

#endif
