/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/export.h - an image's bytes into a file or a pipe
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_EXPORT_H
#define REMORA_AGENT_RBD_IMAGE_EXPORT_H

#include "agent/rbd/conn/cluster.h"
#include "agent/rbd/image/source.h"

/* Who takes the content instead of a file. Both run in the calling thread. */
typedef struct {
    gboolean (*begin)(gpointer data, guint64 size, GError **error);
    /* In order, without what is all zeroes. */
    gboolean (*put)(gpointer data,
                    guint64 offset,
                    const guint8 *bytes,
                    gsize len,
                    GError **error);
    gpointer data;
} StoreImageSink;

/* Where an image's content goes. */
typedef struct {
    int fd;
    bool sparse; /* a new, empty file; else written to from its position on */
    const StoreImageSink *sink; /* or NULL; then neither of these matters */
    StoreProgress progress;     /* or NULL; it runs in the calling thread */
    gpointer data;
} StoreImageTarget;

/* Writes the content of an image's snapshot; what fails may have written some of
 * it. snap NULL: that which Glance's images have. STORE_ERROR_MISSING: there is no
 * such snapshot. Blocks for as long as it takes. */
gboolean store_image_export(StoreCluster *cluster,
                            const char *pool,
                            const char *image,
                            const char *snap,
                            const StoreImageTarget *target,
                            guint64 *ret_size,
                            GError **error);

#endif
