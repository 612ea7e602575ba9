/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/build.h - a clone is made, grown and marked
 *
 * Threads: any; everything blocks. Under the disk's claim only, but for
 *          store_disk_check().
 */
#ifndef REMORA_AGENT_RBD_DISK_BUILD_H
#define REMORA_AGENT_RBD_DISK_BUILD_H

#include "agent/rbd/disk/disk.h"

typedef struct StoreConn StoreConn;

/* ret_exists: the name was taken, nothing was made. done gets what was put right
 * meanwhile. */
gboolean store_build(StoreConn *conn,
                     const StoreDisk *disk,
                     guint64 *ret_size,
                     bool *ret_exists,
                     GString *done,
                     GError **error);
gboolean store_grow(StoreConn *conn, const StoreDisk *disk, GError **error);
/* Removes a name whose header is proved to be missing; refuses otherwise. */
gboolean
store_remove_headless(StoreConn *conn, const StoreDisk *disk, GError **error);

/* Whether a disk could be made, without making it: its parent can be cloned and
 * is not larger. One that is there already is not judged. For a request of
 * several disks, so that nothing is made if one of them cannot be. Blocks. */
gboolean store_disk_check(StoreCluster *cluster,
                          const StoreDisk *disk,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
