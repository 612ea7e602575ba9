/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/purge.h - what is in the trash long enough is removed
 *
 * By the cluster's own task queue (ceph-mgr), or here if that cannot, or does not
 * get on. Neither removes one whose time has not ended. It can be ended at any
 * moment, and whoever comes next goes on.
 *
 * Threads:  any; it blocks, for as long as it takes.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_PURGE_H
#define REMORA_AGENT_RBD_IMAGE_PURGE_H

#include "agent/rbd/image/source.h"
#include "agent/rbd/image/trash.h"

typedef enum {
    STORE_PURGE_DUE,     /* its time has ended, and nothing was done yet */
    STORE_PURGE_PENDING, /* it would go once its clones are gone, that are due */
    STORE_PURGE_QUEUED,  /* the manager has it in its queue, and goes on */
    STORE_PURGE_GONE,
    STORE_PURGE_LEFT, /* somebody has it open, it has clones or snapshots, or it
                       * was restored meanwhile */
    STORE_PURGE_FAILED, /* or somebody took it out of the queue */
} StorePurgeEnd;

typedef struct {
    StoreTrashed *trashed;
    StorePurgeEnd end;
    char *
        why; /* what keeps it, has failed, or goes first, as one line; or NULL */
} StorePurged;

typedef struct {
    bool dry_run;
    /* With that: a set of what would have gone before, to which is added; or NULL. */
    GHashTable *first;
    bool wait;              /* until all are gone */
    StoreProgress progress; /* in bytes; FALSE cancels; or NULL */
    gpointer data;
    bool (*stopped)(void); /* asked before each; true cancels; or NULL */
} StorePurgeHow;

void store_purged_free(StorePurged *purged);
/* Of StorePurged, each image of the pool whose time has ended. NULL: nothing more
 * can be done in this cluster, and what was queued is. */
GPtrArray *store_trash_purge(StoreCluster *cluster,
                             const char *pool,
                             const StorePurgeHow *how,
                             GError **error);

#endif
