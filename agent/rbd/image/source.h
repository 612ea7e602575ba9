/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/source.h - what an image is made of
 */
#ifndef REMORA_AGENT_RBD_IMAGE_SOURCE_H
#define REMORA_AGENT_RBD_IMAGE_SOURCE_H

#include <glib.h>
#include <stdbool.h>

/* Called between reads and writes, with bytes; FALSE cancels. */
typedef gboolean (*StoreProgress)(guint64 done, guint64 total, gpointer data);

/* What an image is made of. */
typedef struct {
    int fd;              /* a file, block device, pipe or socket; -1: none */
    guint64 object_size; /* a power of two from 4 KiB to 32 MiB */
    bool as_is;          /* whatever format it is of */
    /* Told all bytes in their order; bytes NULL: so many zeroes. Or NULL. */
    void (*see)(const guint8 *bytes, guint64 len, gpointer data);
    /* Asked when all were seen, before the image counts as whole. Or NULL. */
    gboolean (*accept)(gpointer data, GError **error);
    StoreProgress progress; /* total is 0 of a pipe; or NULL */
    gpointer data;          /* for these; they run in the calling thread */
} StoreImageSource;

#endif
