/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/copy.h - the content of a new image
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_COPY_H
#define REMORA_AGENT_RBD_IMAGE_COPY_H

#include "agent/rbd/image/format.h"
#include "agent/rbd/image/source.h"

#include <rbd/librbd.h>

typedef struct StoreConn StoreConn;

typedef struct {
    const StoreImageSource *source;
    bool stream; /* source->fd is a pipe or a socket */
    StoreConn *conn;
    const char *pool;
    const char *image;
    rbd_image_t handle;            /* new, reads as zeroes */
    guint64 size;                  /* of a stream: of the image, by now */
    guint64 step;                  /* by how much it grew last */
    guint8 head[STORE_HEAD_BYTES]; /* of a stream, what was read ahead */
    gsize head_len;
} StoreCopy;

/* Of a stream: reads its first bytes, for store_copy() to begin with. */
gboolean store_copy_read_head(StoreCopy *copy, gsize *ret_len, GError **error);

/* Of a stream: as large as its image is to be so that this fits. true: size is
 * another one now. Pure. */
bool store_copy_make_space(StoreCopy *copy, guint64 least);

/* TRUE: everything is written and flushed, and size is the image's. Either way
 * nothing is under way any more. */
gboolean store_copy(StoreCopy *copy, GError **error);

#endif
