/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/origin.h - what a disk is cloned from
 *
 * The snapshot that it asks for, if that is raw and in the disk's own cluster. Else
 * what it was converted into, or copied: a base image (disk/base.h) in the disk's
 * own pool.
 *
 * Threads:  any; what connects blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_ORIGIN_H
#define REMORA_AGENT_RBD_DISK_ORIGIN_H

#include "agent/rbd/disk/disk.h"

typedef struct StoreConn StoreConn;

typedef struct {
    StoreFound found;   /* the image as it is */
    StoreParent parent; /* what is cloned: of the image, or of the base */
    char *image;        /* the base's name; NULL: the image is cloned itself */
    guint64 size;       /* bytes of the disk that is in the image */
    bool there;         /* what is cloned is there */
} StoreOrigin;

void store_origin_clear(StoreOrigin *origin);
/* What a disk's parent means, by a look at it that is not from memory if it is not
 * raw, or in another cluster. FALSE also for an image that is not to be converted,
 * and for one that is larger than the disk. ret_origin borrows from disk. */
gboolean store_origin_look(StoreConn *conn,
                           const StoreDisk *disk,
                           StoreOrigin *ret_origin,
                           GError **error);
gboolean store_origin_plan(StoreCluster *cluster,
                           const StoreDisk *disk,
                           StoreOrigin *ret_origin,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same for who clones it now. FALSE: also STORE_ERROR_UNCONVERTED. */
gboolean store_origin_find(StoreConn *conn,
                           const StoreDisk *disk,
                           StoreOrigin *ret_origin,
                           GError **error);
/* Whether 'pool/image@snap' can be a base of disks in the pool. */
bool store_origin_is_base(const char *pool, const char *name);

gboolean
store_size_check(const StoreDisk *disk, guint64 content, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreOrigin, store_origin_clear)

#endif
