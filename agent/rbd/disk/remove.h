/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/remove.h - an image is removed as Glance does it
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_REMOVE_H
#define REMORA_AGENT_RBD_DISK_REMOVE_H

#include "agent/rbd/conn/cluster.h"

typedef enum {
    STORE_REMOVED,
    STORE_REMOVED_TO_TRASH, /* others still need it, or it has snapshots */
} StoreRemoved;

/*
 * Removes an image as Glance does: its snapshot, then itself; into the trash
 * where it has further snapshots. It takes the image's claim meanwhile. One that
 * somebody has open, or that has clones, is STORE_ERROR_BUSY and stays as it is;
 * with clones of format 2 alone it may be moved to the trash, where they keep it
 * (to_trash). What a call that was cut short has left of it is removed by the
 * next. Blocks for as long as it takes.
 */
gboolean store_image_remove(StoreCluster *cluster,
                            const char *pool,
                            const char *image,
                            bool to_trash,
                            StoreRemoved *ret_removed,
                            GError **error);

#endif
