/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/capture.h - a new image of what a guest's disk holds now
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_CAPTURE_H
#define REMORA_AGENT_RBD_DISK_CAPTURE_H

#include "agent/rbd/conn/cluster.h"
#include "agent/rbd/image/source.h"

/* The disk, and what its guest does about the moment of the snapshot. */
typedef struct {
    const char *pool;
    const char *image; /* in a namespace of RBD: 'namespace/image' */
    /* Before the snapshot. Or NULL. */
    gboolean (*freeze)(gpointer data, GError **error);
    /* After it, whatever became of it, if freeze was called. FALSE: what was
     * frozen was not so all the time, and no image is made of it. */
    gboolean (*thaw)(gpointer data, GError **error);
    StoreProgress progress; /* or NULL */
    gpointer data;          /* for these; they run in any thread */
} StoreCaptureSource;

/*
 * The disk gets a snapshot, that is cloned, the clone is flattened, the snapshot is
 * removed, and then the image gets its own, protected: it has that only when it
 * needs nothing of the disk any more. The image is made under its claim, and the
 * guest keeps the disk's: a snapshot writes nothing to it. The id must be a UUID.
 *
 * After a failure nothing of all that is left, unless the error says so. What a
 * killed one left is removed by the next one of the same disk, or of the same
 * id; its image by store_image_remove(), too.
 */
gboolean store_image_capture(StoreCluster *cluster,
                             const char *pool,
                             const char *id,
                             const StoreCaptureSource *source,
                             guint64 *ret_size,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
