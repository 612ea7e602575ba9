/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/snap.h - is there this snapshot of an image?
 *
 * Threads: any. Blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_SNAP_H
#define REMORA_AGENT_RBD_IMAGE_SNAP_H

#include "agent/rbd/conn/cluster.h"

typedef struct StoreConn StoreConn;

/* Whether there is that snapshot of an image, and its size in bytes. */
gboolean store_snapshot(StoreCluster *cluster,
                        const char *pool,
                        const char *image,
                        const char *snap,
                        bool *ret_there,
                        guint64 *ret_size,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean store_snap_find(StoreConn *conn,
                         const char *pool,
                         const char *image,
                         const char *snap,
                         bool *ret_there,
                         guint64 *ret_size,
                         GError **error);

/* Whether it is there, and protected. Blocks. */
gboolean store_snap_find_protected(StoreConn *conn,
                                   const char *pool,
                                   const char *image,
                                   const char *snap,
                                   bool *ret_there,
                                   GError **error);

#endif
