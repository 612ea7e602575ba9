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
    /* What keeps it, has failed, goes first, or stays, as one line; or NULL. */
    char *why;
    bool leaves;     /* what was behind it stays, though it is gone */
    gpointer behind; /* of StorePurgeBehind, while it is worked on */
} StorePurged;

/* What goes with an image, of which this room does not know. All block. */
typedef struct {
    /* What is behind an image that may go. NULL: nothing; or, with error set, that
     * cannot be told, and it stays. handle is an rbd_image_t. */
    gpointer (*read)(StoreConn *conn,
                     gpointer handle,
                     const StoreTrashed *trashed,
                     GError **error);
    /* The snapshot that goes, as store_purge_snap_key() calls it. g_free() it. */
    char *(*key)(gconstpointer behind);
    /* The image is about to go. false: that goes only after it, so that whoever
     * removes the image has to be this process. */
    bool (*going)(StoreConn *conn, gpointer behind);
    /* It has gone. What stays of that, and what removes it, as one line (g_free()
     * it); or NULL. */
    char *(*gone)(StoreConn *conn, gpointer behind);
    GDestroyNotify free;
} StorePurgeBehind;

typedef struct {
    bool dry_run;
    /* With that: a set of what would have gone before, to which is added; or NULL. */
    GHashTable *first;
    const StorePurgeBehind *behind; /* or NULL */
    bool wait;                      /* until all are gone */
    StoreProgress progress;         /* in bytes; FALSE cancels; or NULL */
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
