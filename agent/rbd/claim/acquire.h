/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/acquire.h - a claim is taken, from nobody or from one who is
 * dead
 *
 * Threads: any; it blocks.
 */
#ifndef REMORA_AGENT_RBD_CLAIM_ACQUIRE_H
#define REMORA_AGENT_RBD_CLAIM_ACQUIRE_H

#include "agent/rbd/claim/claim.h"

/* From whom a claim was taken over. */
typedef struct {
    char *text;        /* what it said; NULL: there was none */
    const char *proof; /* why it could be taken; static */
    char *dead;        /* the address of whom the proof is about, or NULL */
    GString *cut_off;  /* who was cut off for it, for the log; or NULL */
} StoreClaimTaken;

void store_claim_taken_clear(StoreClaimTaken *taken);

/*
 * Takes the claim, cuts off who may still write under what it was taken from,
 * or gives the reason why not. ret_taken is to be cleared in any case. After
 * TRUE the claim is building, or has arrived.
 */
gboolean store_claim_acquire(StoreConn *conn,
                             const StoreClaimAsk *ask,
                             StoreClaim **ret_claim,
                             StoreClaimTaken *ret_taken,
                             GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreClaimTaken, store_claim_taken_clear)

#endif
