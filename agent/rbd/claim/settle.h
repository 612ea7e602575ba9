/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/settle.h - a guest's claim follows what its guest does
 *
 * Threads: any; everything blocks.
 */
#ifndef REMORA_AGENT_RBD_CLAIM_SETTLE_H
#define REMORA_AGENT_RBD_CLAIM_SETTLE_H

#include "agent/rbd/claim/guest.h"
#include "agent/rbd/claim/object.h"

/* As store_has_let_go() is, which this room does not know. */
typedef bool (*StoreLetGo)(StoreConn *conn,
                           const char *pool,
                           const char *image,
                           const char *addr);

/*
 * seen is what the claim said before libvirt was asked, so that an answer is
 * never about an earlier guest than the claim is: it is changed only if it still
 * says so. watchers are the addresses that have the image open; let_go says
 * whether a client whose watch is gone has nothing on its way. ret_text gets a
 * line for the log, or NULL.
 */
gboolean store_claim_settle(StoreConn *conn,
                            const char *pool,
                            const char *image,
                            const StoreClaimSeen *seen,
                            const StoreGuestNow *now,
                            char *const *watchers,
                            StoreLetGo let_go,
                            StoreSettled *ret_settled,
                            char **ret_text,
                            GError **error);

#endif
