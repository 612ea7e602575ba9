/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt-secret.h - the libvirt secret with the guests' cephx key
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_VIRT_SECRET_H
#define REMORA_AGENT_VIRT_SECRET_H

#include "agent/host.h"
#include "agent/virt-error.h"

/*
 * Makes sure that this host has the secret that rewritten disks name, with the
 * key from the keyring as its value. A secret that remora made gets today's
 * key each time; one that an operator made gets it only while it has none.
 * Persistent and private, as Nova's documentation asks for.
 *
 * ret_made: whether anything had to be done.
 */
gboolean virt_secret_ensure(Host *host,
                            virConnectPtr conn,
                            bool *ret_made,
                            GError **error);

#endif
