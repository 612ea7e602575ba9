/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/snap-remove.h - a snapshot goes, unless clones would lose by it
 *
 * Threads:  any; blocks. Of this room.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_SNAP_REMOVE_H
#define REMORA_AGENT_RBD_VOLUME_SNAP_REMOVE_H

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/volume/snaps.h"

/* Where the image is; all borrowed. */
typedef struct {
    StoreConn *conn;
    rados_ioctx_t io;
    const char *pool;
    const char *image;
} StoreSnapAt;

/* handle is an rbd_image_t. STORE_ERROR_BUSY: clones of format 1 need it. */
gboolean store_snap_remove_unused(const StoreSnapAt *at,
                                  gpointer handle,
                                  const StoreVolumeSnap *snap,
                                  GError **error);

#endif
