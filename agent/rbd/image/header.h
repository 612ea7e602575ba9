/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/header.h - may this image be converted, by its own header?
 *
 * Whoever uploads an image writes its header, and a tool that converts it
 * believes what is there: another file to begin from, or to have the data in.
 * So it is checked here first, and what these checks do not know is refused.
 *
 * Pure. Reads a few blocks of fixed size, whatever the header says.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_HEADER_H
#define REMORA_AGENT_RBD_IMAGE_HEADER_H

#include <glib.h>
#include <stdbool.h>

/* The largest disk that is converted, and so the most that is written. */
#define STORE_CONVERT_MAX (G_GUINT64_CONSTANT(1) << 40)

/* Reads len bytes; those behind the end are zero. false: it cannot. */
typedef bool (*StoreHeaderRead)(gpointer data,
                                guint64 offset,
                                guint8 *buffer,
                                gsize len);

typedef struct {
    const char *unfit; /* why it is not to be converted; static. NULL: it may */
    guint64 size;      /* bytes of the disk that is in it, whole sectors */
} StoreHeader;

/* format: as store_format_sniff() says. false: it could not be read. */
bool store_header_check(const char *format,
                        StoreHeaderRead read,
                        gpointer data,
                        StoreHeader *ret_header);

#endif
