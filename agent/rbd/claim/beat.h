/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/beat.h - claims under which is built are touched
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_RBD_CLAIM_BEAT_H
#define REMORA_AGENT_RBD_CLAIM_BEAT_H

#include "agent/rbd/claim/claim.h"
#include "agent/rbd/conn/cluster.h"

/* How often a builder touches its claims, and how long an unchanged claim must
 * have been watched before its builder counts as dead. */
#define STORE_BEAT_S 5
#define STORE_DEAD_S 20

/* Touches what was added until it is removed. */
void store_beat_add(StoreClaim *claim);
/* false: it was not there. */
bool store_beat_remove(StoreClaim *claim);

/*
 * The requests of this process that ask for the claim on an image, hold it or
 * give it up: from before the cluster is asked until nothing of it is under way
 * any more. A claim of this very process without such a request is left over; in
 * any moment between it would be the living one's of another request.
 */
void
store_beat_enter(StoreCluster *cluster, const char *pool, const char *image);
void
store_beat_exit(StoreCluster *cluster, const char *pool, const char *image);
/* Whether there is another one beside the caller's. */
bool store_beat_has_other(StoreCluster *cluster,
                          const char *pool,
                          const char *image);

#endif
