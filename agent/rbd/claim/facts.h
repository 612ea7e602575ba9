/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/facts.h - what there is to know before a claim is taken over
 *
 * Threads: any; store_attempt_collect() blocks.
 */
#ifndef REMORA_AGENT_RBD_CLAIM_FACTS_H
#define REMORA_AGENT_RBD_CLAIM_FACTS_H

#include "agent/rbd/claim/claim.h"
#include "agent/rbd/claim/object.h"
#include "agent/rbd/claim/verdict.h"

/* One attempt to take one claim. */
typedef struct {
    StoreConn *conn; /* borrowed, as is the next */
    const StoreClaimAsk *ask;
    StoreClaimSeen seen; /* what the claim says */
    StoreTakeFacts facts;
    char **watchers; /* who has the image open */
} StoreAttempt;

/* Fills in facts and watchers, by what was seen. */
gboolean store_attempt_collect(StoreAttempt *attempt, GError **error);
void store_attempt_clear(StoreAttempt *attempt);

/* The place of a client among the guests that a claim still owes; -1: it is none
 * of them. Pure. */
int store_owed_at(const StoreRecord *record, const char *addr);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreAttempt, store_attempt_clear)

#endif
