/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/verdict.h - what is to be done about a volume
 *
 * Pure functions: facts in, one action out. What carries them out stands beside
 * this file.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_VERDICT_H
#define REMORA_AGENT_RBD_VOLUME_VERDICT_H

#include <glib.h>
#include <stdbool.h>

/* ---- how a volume stands --------------------------------------------------------- */

typedef struct {
    bool opens;
    bool filling; /* a building mark: what writes to it was cut short */
    bool watched;
    bool claimed; /* by a builder, which may be dead */
    bool found;   /* whose claim says that the volume was there before */
    bool guest;   /* claimed by a guest */
    bool flattening;
    bool by_mgr; /* who watches flattens it */
} StoreVolumeFacts;

typedef enum {
    STORE_VOLUME_AVAILABLE,
    STORE_VOLUME_IN_USE,
    STORE_VOLUME_AT_WORK, /* something is being done with it */
    STORE_VOLUME_MAKING,  /* it is being made, or was in vain */
    STORE_VOLUME_FLATTENING,
    STORE_VOLUME_HALF_MADE, /* it cannot be opened, or not all was written */
} StoreVolumeStatus;

StoreVolumeStatus store_volume_status(const StoreVolumeFacts *facts);
/* For people and scripts: "available". */
const char *store_volume_status_word(StoreVolumeStatus status);

/* ---- may something be done with it? ----------------------------------------------- */

/* Of one that this process has claimed. */
typedef struct {
    bool there;
    bool opens;
    bool filling;
    bool dead_maker; /* the claim was a dead one's, who may have made it */
    bool empty;      /* it has neither data nor snapshots of its own */
    bool watched;    /* by others than who flattens it */
    bool flattening; /* it has a parent still, and is to have none */
    bool lockless;   /* it has no exclusive lock */
    bool by_task; /* who watches may be the manager, which has a task for it */
} StoreClaimedFacts;

typedef enum {
    STORE_CLAIMED_MISSING,
    STORE_CLAIMED_WATCHED,
    STORE_CLAIMED_HALF_MADE,  /* who made it died before it was whole */
    STORE_CLAIMED_CUT_SHORT,  /* a rollback did not come to its end */
    STORE_CLAIMED_FLATTENING, /* somebody is at it, or was; maybe it is open */
    STORE_CLAIMED_WHOLE,
} StoreClaimedState;

StoreClaimedState store_claimed_verdict(const StoreClaimedFacts *facts);
/* Whether the claim of a dead maker goes on to say that it is half-made. */
bool store_claimed_keeps(StoreClaimedState state, bool dead_maker);

/* ---- removal ------------------------------------------------------------------------ */

typedef struct {
    bool to_trash;    /* that is asked for */
    guint snapshots;  /* that somebody asked for */
    guint clones_old; /* of format 1 */
    guint clones;     /* of format 2 */
    bool unseen;      /* it may have clones of format 1 where nobody can look */
} StoreRmFacts;

typedef enum {
    STORE_RM_REMOVE,
    STORE_RM_TRASH,  /* whole, with its snapshots */
    STORE_RM_RETIRE, /* without its snapshots; its clones keep it in the trash */
    STORE_RM_REFUSE_SNAPSHOTS,
    STORE_RM_REFUSE_CLONES,
    STORE_RM_REFUSE_UNSEEN,
} StoreRm;

StoreRm store_rm_verdict(const StoreRmFacts *facts);
bool store_rm_refuses(StoreRm what);

/* ---- clones ------------------------------------------------------------------------- */

/* depth: on how many volumes the clone would stand. */
bool store_clone_flattens(guint depth, guint max_depth, bool wanted);

/* ---- flattening ---------------------------------------------------------------------- */

typedef enum {
    STORE_FLAT_END_FLAT,
    STORE_FLAT_END_QUEUED,  /* the manager goes on */
    STORE_FLAT_END_STOPPED, /* here, or somebody took it out of the queue */
    STORE_FLAT_END_FAILED,
} StoreFlatEnd;

/* Of one that was not flat when it ended. */
typedef struct {
    StoreFlatEnd end;
    bool to_end;     /* something is to be done behind it, by us */
    bool here;       /* the manager was not asked at all */
    bool was_wanted; /* by a mark that was there before */
    bool asked;      /* the manager was told to leave off, */
    bool none;       /* and nobody goes on */
    bool barred;     /* and this user may not ask */
    bool has_parent; /* after that */
} StoreFlatFacts;

typedef enum {
    STORE_FLAT_CALL_BACK, /* tell the manager to leave off, and look again */
    STORE_FLAT_GOES_ON,
    STORE_FLAT_FINISH, /* it is flat all the same: do what is left */
    STORE_FLAT_FORGET, /* it is a clone as before */
    STORE_FLAT_LEAVE,  /* somebody may go on, whose watch the mark names */
} StoreFlatDo;

StoreFlatDo store_flat_verdict(const StoreFlatFacts *facts);

/* ---- size --------------------------------------------------------------------------- */

typedef enum {
    STORE_SIZE_KEEP,
    STORE_SIZE_GROW,
    STORE_SIZE_SHRINK,
    STORE_SIZE_REFUSE, /* smaller, and nobody said so */
} StoreSize;

StoreSize store_size_verdict(guint64 has, guint64 wanted, bool may_shrink);

#endif
