/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/convert-copy.h - a raw disk's bytes to where zeroes are, without its zeroes
 *
 * Threads: any; it blocks, and has some of its own meanwhile.
 */
#ifndef REMORA_AGENT_CONVERT_COPY_H
#define REMORA_AGENT_CONVERT_COPY_H

#include "agent/nbd.h"
#include "agent/rbd/store.h"

/* How many parts are read or written at once, and how large they are. */
#define CONVERT_COPIERS    4
#define CONVERT_COPY_BYTES (4u * 1024u * 1024u)

/* The functions may be called from several threads at once. */
typedef struct {
    const GArray *extents; /* of StoreExtent, in their order */
    NbdPart from;
    NbdPart to; /* of what reads as zeroes: those are left out */
    gpointer data;
} ConvertCopy;

gboolean convert_copy_run(const ConvertCopy *copy,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
