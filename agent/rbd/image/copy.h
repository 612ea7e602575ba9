/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/copy.h - the content of a new image
 *
 * Threads:  any; it blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_COPY_H
#define REMORA_AGENT_RBD_IMAGE_COPY_H

#include <glib.h>
#include <rbd/librbd.h>

typedef struct StoreConn StoreConn;

typedef struct {
    StoreConn *conn;
    const char *pool;
    const char *image;
    rbd_image_t handle; /* new, reads as zeroes */
    int fd;
    guint64 size;
    guint64 object_size;
    gboolean (*progress)(guint64 done, guint64 total, gpointer data);
    gpointer data;
} StoreCopy;

/* TRUE: everything is written and flushed. Either way nothing is under way
 * any more. */
gboolean store_copy(const StoreCopy *copy, GError **error);

#endif
