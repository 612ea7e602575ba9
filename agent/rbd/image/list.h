/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/list.h - the images that can be cloned
 *
 * Threads:  any; it blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_LIST_H
#define REMORA_AGENT_RBD_IMAGE_LIST_H

#include "agent/rbd/conn/cluster.h"

#define STORE_IMAGES_MAX 65536u

/* Glance's name of the snapshot that clones are made of. */
#define STORE_SNAP "snap"

/* An image that can be cloned: it has a snapshot 'snap'. */
typedef struct {
    char *pool;
    char *image;
    guint64 size;        /* of the snapshot, in bytes */
    bool has_snap;       /* true in every list */
    bool protected_snap; /* as Glance leaves it */
    guint children;      /* clones of it, those in the trash too */
    bool children_known; /* false: the user may not see them all, 0 above */
} StoreImage;

void store_image_free(StoreImage *image);
/* Those of the pool, by name; half-made ones are left out. Of StoreImage; at
 * most STORE_IMAGES_MAX names are looked at, more are an error. Blocks, about
 * 10 ms an image that has clones, and less than 1 ms any other. */
GPtrArray *
store_image_list(StoreCluster *cluster, const char *pool, GError **error);

/* All names in the pool, of whatever sort of image; g_strfreev() it. More than
 * STORE_IMAGES_MAX are an error. Blocks, for one round trip or a few. */
char **
store_image_names(StoreCluster *cluster, const char *pool, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreImage, store_image_free)

#endif
