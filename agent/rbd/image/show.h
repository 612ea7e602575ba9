/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/show.h - all that can be said of one image
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_SHOW_H
#define REMORA_AGENT_RBD_IMAGE_SHOW_H

#include "agent/rbd/conn/cluster.h"
#include "agent/rbd/image/children.h"

/* All that can be said of one image. */
typedef struct {
    char *pool;
    char *image;
    guint64 size; /* bytes; of the snapshot, if there is one */
    guint64 object_size;
    const char *format; /* as store_format_sniff() has it, or "raw"; static */
    gint64 created;     /* seconds since 1970 */
    char *location;     /* rbd://fsid/pool/image/snap, as Glance writes it */
    bool has_snap;
    bool protected_snap;
    GPtrArray *snaps;    /* of char *: further snapshots */
    GPtrArray *children; /* of StoreChild: of any of its snapshots */
    GPtrArray *unseen;   /* of char *: pools that may have more, of format 1 */
} StoreImageInfo;

void store_image_info_clear(StoreImageInfo *info);
/* STORE_ERROR_MISSING: there is no such image, or it is half-made. Blocks, some
 * milliseconds a clone. */
gboolean store_image_show(StoreCluster *cluster,
                          const char *pool,
                          const char *image,
                          StoreImageInfo *ret_info,
                          GError **error);
/* The size of its snapshot, in bytes; STORE_ERROR_MISSING: there is none. Blocks. */
gboolean store_image_size(StoreCluster *cluster,
                          const char *pool,
                          const char *image,
                          guint64 *ret_size,
                          GError **error);
/* Where Glance finds it. Pure; g_free() it. */
char *store_image_location(const char *fsid,
                           const char *pool,
                           const char *image,
                           const char *snap);

void store_image_info_init(StoreImageInfo *info,
                           const char *pool,
                           const char *image);
/* Into info, which has its names; all but the location. io is a rados_ioctx_t. */
gboolean store_image_read(StoreConn *conn,
                          gpointer io,
                          StoreImageInfo *info,
                          GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreImageInfo, store_image_info_clear)

#endif
