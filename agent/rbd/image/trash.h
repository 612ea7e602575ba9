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

/* How an image came there: librbd's numbers. */
typedef enum {
    STORE_TRASH_USER,
    STORE_TRASH_MIRRORING,
    STORE_TRASH_MIGRATION, /* it is being moved, and is read yet */
    STORE_TRASH_REMOVING,
    STORE_TRASH_USER_PARENT, /* its clones keep it */
} StoreTrashSource;

/* An image in the trash. */
typedef struct {
    char *image; /* its name when it was an image */
    char *id;    /* for 'rbd trash restore' */
    bool mine;   /* remora moved it there: */
    char *host;  /* who did, and */
    char *why;
    StoreTrashSource source;
    bool opens; /* else its size is not known, nor who moved it there */
    guint64 size;
    gint64 since; /* seconds since 1970, by the cluster's clock */
    gint64 until; /* it cannot be purged before */
} StoreTrashed;

void store_trashed_free(StoreTrashed *trashed);
/* Those of a pool that remora moved there, the newest first, at most max of them,
 * found among the 200 newest of the pool. Of StoreTrashed. Blocks, some
 * milliseconds an image. */
GPtrArray *store_trash_list(StoreCluster *cluster,
                            const char *pool,
                            guint max,
                            GError **error);
/* All, whoever moved them there; due: only those that may be purged. stopped: asked
 * before each is opened; true leaves the rest unopened; or NULL. */
GPtrArray *store_trash_list_all(StoreCluster *cluster,
                                const char *pool,
                                bool due,
                                bool (*stopped)(void),
                                GError **error);
/* "user parent"; "?" for what is not known. */
const char *store_trash_source_word(StoreTrashSource source);
/* Whether it may be purged, at now, in seconds since 1970. Pure. */
bool store_trash_is_due(const StoreTrashed *trashed, gint64 now);

/* why: one line, kept with the image for store_trash_list(). An image that is
 * not there is no error. */
gboolean store_trash(StoreConn *conn,
                     const char *pool,
                     const char *image,
                     const char *why,
                     GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreTrashed, store_trashed_free)

#endif
