/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/blank.h - a disk without a parent is made, and filled
 *
 * Threads: any; blocks. Under the disk's claim only.
 */
#ifndef REMORA_AGENT_RBD_DISK_BLANK_H
#define REMORA_AGENT_RBD_DISK_BLANK_H

#include "agent/rbd/disk/disk.h"

typedef struct StoreConn StoreConn;

/* ret_exists: the name was taken, nothing was made. What could not be finished
 * goes to the trash. */
gboolean store_build_blank(StoreConn *conn,
                           const StoreDisk *disk,
                           guint64 *ret_size,
                           bool *ret_exists,
                           GError **error);

/* Only disk's fill, and flushes: of an image that somebody else has made and marked.
 * handle is its rbd_image_t. */
gboolean store_fill_by(StoreConn *conn,
                       const StoreDisk *disk,
                       gpointer handle,
                       GError **error);

#endif
