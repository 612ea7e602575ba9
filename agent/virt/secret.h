/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/secret.h - the libvirt secret with the guests' cephx key
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_VIRT_SECRET_H
#define REMORA_AGENT_VIRT_SECRET_H

#include "agent/virt/error.h"
#include "agent/virt/facts.h"

/*
 * Makes sure that this host has those of the facts' secrets that rewritten disks
 * name. One of remora's gets the key from the keyring as its value each time; it is
 * persistent and private, as Nova's documentation asks for. A value is never put
 * into one that is not remora's or not private, and none is ever undefined.
 * Of what is done and what is not the log has a line each.
 *
 * Gives whether another try is worth it; *ret_failed is set, and else left alone, if
 * a call of libvirt failed, which may fail for ever.
 */
bool virt_secrets_ensure(const VirtFacts *facts,
                         virConnectPtr conn,
                         bool *ret_failed);

#endif
