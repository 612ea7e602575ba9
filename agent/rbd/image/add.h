/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/add.h - a new image out of a raw file
 *
 * Threads:  any; it blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_ADD_H
#define REMORA_AGENT_RBD_IMAGE_ADD_H

#include "agent/rbd/conn/cluster.h"

/* Called between writes, with bytes; FALSE cancels. */
typedef gboolean (*StoreProgress)(guint64 done, guint64 total, gpointer data);

/*
 * Makes pool/image out of a raw file, as Glance lays images out: format 2, a
 * protected snapshot 'snap'. fd is a regular file or a block device; its
 * position is changed. object_size is a power of two from 4 KiB to 32 MiB.
 * Zeroes are not written. progress may be NULL; it runs in this thread.
 *
 * An image that is there already is never touched (STORE_ERROR_BUSY, with
 * what to do about it). After a failure nothing of what this call made is
 * left, unless the error says so. Blocks for as long as it takes.
 */
gboolean store_image_add(StoreCluster *cluster,
                         const char *pool,
                         const char *image,
                         int fd,
                         guint64 object_size,
                         StoreProgress progress,
                         gpointer data,
                         GError **error);

#endif
