/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/stall.h - pools, and images in them, that do not answer
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_STALL_H
#define REMORA_AGENT_RBD_CONN_STALL_H

#include "agent/rbd/conn/cluster.h"

/* What a request, or one call of it, is about. Borrowed. */
typedef struct {
    const char *pool;
    const char *image;
    const char *parent_pool; /* NULL: no parent */
    const char *parent_image;
} StoreTarget;

typedef enum {
    STORE_ADMIT_GO,
    STORE_ADMIT_TRY,  /* one may, for all that wait for it */
    STORE_ADMIT_WAIT, /* for a probe */
    STORE_ADMIT_REFUSE,
} StoreAdmit;

typedef struct {
    bool looked_into;  /* a call timed out there; a probe has yet to answer */
    bool image_hangs;  /* the probe had no answer about this very image */
    bool marked;       /* nor about another one of the pool, or about it */
    bool trial_is_due; /* none has tried for a while */
} StoreStallFacts;

/* Pure. */
StoreAdmit store_stall_decide(const StoreStallFacts *facts);

/* What a probe is to look at: one image in a pool. */
typedef struct {
    char *pool;
    char *image; /* NULL: the pool as such */
    bool parent; /* of the one before it: to blame only if that one answers */
    bool known;  /* it hung the last time */
    bool whole;  /* after a look: none of the objects answered */
    GPtrArray *objects; /* to ask for; after a look, those without an answer */
} StoreSuspect;

/* Before a disk is made ready: waits for a probe that looks into it. FALSE: it
 * or its pool does not answer, or its parent's. May take the trial. */
gboolean store_stalls_admit(const StoreCluster *cluster,
                            const StoreTarget *target,
                            GError **error);
/* For less than that: no trial, and nothing is waited for. pool NULL: TRUE. */
gboolean store_stalls_check(const StoreCluster *cluster,
                            const char *pool,
                            const char *image,
                            GError **error);
/* Until a probe has looked at what is suspected now. */
void store_stalls_await(StoreCluster *cluster);
/* A call about it has timed out, or takes too long. Whoever says so begins a
 * probe afterwards. */
void store_stalls_suspect(StoreCluster *cluster,
                          const char *pool,
                          const char *image);
void store_stalls_suspect_target(StoreCluster *cluster,
                                 const StoreTarget *target);
/* A request that began at since_us has come to an end, and had its answers. */
void store_stalls_went(StoreCluster *cluster,
                       const StoreTarget *target,
                       gint64 since_us);
/* Whether there is something for a probe to look at. */
bool store_stalls_any(StoreCluster *cluster);
/* Of StoreSuspect: all that. To be given back to store_stalls_settle(). */
GPtrArray *store_stalls_take(StoreCluster *cluster);
typedef enum {
    STORE_LOOKED,  /* objects says what hangs */
    STORE_BLINDLY, /* it cannot be looked at now: what timed out hangs */
    STORE_NOT,     /* the same, and something else is to blame */
} StoreLooked;
void store_stalls_settle(StoreCluster *cluster,
                         const GPtrArray *suspects,
                         StoreLooked looked);

#endif
