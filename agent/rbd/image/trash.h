/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/trash.h - images that can come back
 *
 * Threads:  any; all block.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_TRASH_H
#define REMORA_AGENT_RBD_IMAGE_TRASH_H

#include "agent/rbd/conn/cluster.h"

typedef struct StoreConn StoreConn;

#define STORE_TRASH_MAX 65536u

/* An image that remora moved to the trash. */
typedef struct {
    char *image; /* its name when it was an image */
    char *id;    /* for 'rbd trash restore' */
    char *host;  /* who moved it */
    char *why;
    gint64 since; /* seconds since 1970, by the cluster's clock */
    gint64 until; /* it cannot be purged before */
} StoreTrashed;

void store_trashed_free(StoreTrashed *trashed);
/* Those of a pool, the newest first, at most max of them, found among the 200
 * newest of the pool; what others moved there is left out. Of StoreTrashed.
 * Blocks, some milliseconds an image. */
GPtrArray *store_trash_list(StoreCluster *cluster,
                            const char *pool,
                            guint max,
                            GError **error);

/* why: one line, kept with the image for store_trash_list(). An image that is
 * not there is no error. */
gboolean store_trash(StoreConn *conn,
                     const char *pool,
                     const char *image,
                     const char *why,
                     GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreTrashed, store_trashed_free)

#endif
