/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/settle.h - a guest's claim follows what its guest does
 *
 * Threads: any; everything blocks.
 */
#ifndef REMORA_AGENT_RBD_CLAIM_SETTLE_H
#define REMORA_AGENT_RBD_CLAIM_SETTLE_H

#include "agent/rbd/claim/object.h"

/*
 * seen is what the claim said before libvirt was asked, so that an answer is
 * never about an earlier guest than the claim is: it is changed only if it still
 * says so. watchers are the addresses that have the image open. ret_text gets a
 * line for the log, or NULL.
 */
gboolean store_claim_settle(StoreConn *conn,
                            const char *pool,
                            const char *image,
                            const StoreClaimSeen *seen,
                            const StoreGuestNow *now,
                            char *const *watchers,
                            StoreSettled *ret_settled,
                            char **ret_text,
                            GError **error);

#endif
