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

/* Where an image's content goes. */
typedef struct {
    int fd;
    bool sparse; /* a new, empty file; else written to from its position on */
    StoreProgress progress; /* or NULL; it runs in the calling thread */
    gpointer data;
} StoreImageTarget;

/* Writes the content of an image's snapshot; what fails may have written some of
 * it. STORE_ERROR_MISSING: there is no such snapshot. Blocks for as long as it
 * takes. */
gboolean store_image_export(StoreCluster *cluster,
                            const char *pool,
                            const char *image,
                            const StoreImageTarget *target,
                            guint64 *ret_size,
                            GError **error);

#endif
