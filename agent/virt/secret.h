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

typedef enum {
    VIRT_SECRET_SET,     /* today's key is in it */
    VIRT_SECRET_MADE,    /* and it was made, or made private, first */
    VIRT_SECRET_FOREIGN, /* it is somebody else's, and used as it is */
} VirtSecretDone;

/*
 * Makes sure that this host has that one of the facts' secrets that rewritten
 * disks name. One of remora's gets the key from the keyring as its value each
 * time; it is persistent and private, as Nova's documentation asks for. A value
 * is never put into one that is not remora's or not private, and none is ever
 * undefined.
 */
gboolean virt_secret_ensure(const VirtFacts *facts,
                            guint index,
                            virConnectPtr conn,
                            VirtSecretDone *ret_done,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
