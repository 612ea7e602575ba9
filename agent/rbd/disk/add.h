/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/add.h - an image is added under its claim
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_ADD_H
#define REMORA_AGENT_RBD_DISK_ADD_H

#include "agent/rbd/conn/cluster.h"
#include "agent/rbd/disk/disk.h"
#include "agent/rbd/image/source.h"

/*
 * Makes pool/image out of raw content, as Glance lays images out: format 2, a
 * protected snapshot 'snap'. Zeroes are not written. It takes the image's claim
 * meanwhile; what a dead one has left half-made goes to the trash.
 *
 * An image that is there already is never touched (STORE_ERROR_BUSY, with
 * what to do about it). After a failure nothing of what this call made is
 * left, unless the error says so. Blocks for as long as it takes.
 */
gboolean store_image_add(StoreCluster *cluster,
                         const char *pool,
                         const char *image,
                         const StoreImageSource *source,
                         guint64 *ret_size,
                         GError **error);

/* The same of size bytes that fill writes; source has no file, and what it is told
 * of bytes and progress is fill's to do. */
gboolean store_image_add_filled(StoreCluster *cluster,
                                const char *pool,
                                const char *image,
                                const StoreImageSource *source,
                                guint64 size,
                                StoreFill fill,
                                gpointer fill_data,
                                GError **error);

#endif
