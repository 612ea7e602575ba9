/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/tree.h - images, their snapshots, and the clones of those
 *
 * Threads:  any; it blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_TREE_H
#define REMORA_AGENT_RBD_IMAGE_TREE_H

#include "agent/rbd/conn/cluster.h"

#define STORE_TREE_MAX 65536u

typedef struct {
    guint64 id;
    char *name; /* of one that was removed and has clones: what it was called */
    guint64 size;
    guint64 used; /* bytes of its own objects, not its parent's */
    bool removed; /* only its clones keep it */
    bool protected_snap;
} StoreTreeSnap;

typedef struct StoreTreeImage StoreTreeImage;
struct StoreTreeImage {
    gint64 pool_id;
    char *pool;  /* NULL: a pool that is gone */
    char *space; /* the namespace in it; "" is the usual one */
    char *id;    /* what RBD calls it */
    char *name;  /* NULL: this user may not see it */
    bool seen;   /* it could be opened; else nothing below is known */
    bool trash;
    guint64 size;
    guint64 used;
    char *owner;      /* whom its mark names, or NULL */
    char **watchers;  /* addresses, NULL-terminated */
    bool crowded;     /* there are too many to list */
    GPtrArray *snaps; /* of StoreTreeSnap */
    /* What it is a clone of; id NULL: nothing. */
    gint64 parent_pool_id;
    char *parent_space;
    char *parent_id;
    guint64 parent_snap;
    /* As store_tree_link() finds them among the others, borrowed. */
    const StoreTreeImage *parent;
    guint depth; /* how many are above it */
};

void store_tree_image_free(StoreTreeImage *image);

/* All images of the pools, NULL-terminated, with all clones of theirs, wherever
 * those are, and all that they are clones of, linked. Of StoreTreeImage. */
GPtrArray *store_tree_read(StoreCluster *cluster,
                           const char *const *pools,
                           GError **error);
/* The same of one image. STORE_ERROR_MISSING: it is not there. */
GPtrArray *store_tree_read_one(StoreCluster *cluster,
                               const char *pool,
                               const char *image,
                               GError **error);
/* Sets parent and depth of all; a circle is cut. Pure. */
void store_tree_link(GPtrArray *images);
/* The snapshot that image, whose parent is known, is a clone of; or NULL. */
const StoreTreeSnap *store_tree_snap_of(const StoreTreeImage *image);

#endif
