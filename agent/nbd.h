/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/nbd.h - a disk for one tool, over a socket that nobody else has
 *
 * As much of the NBD protocol (docs/proto.md of nbd) as QEMU's block layer needs:
 * it reads or writes, and is asked for nothing else. The other end is a tool that
 * works on somebody's bytes: what it sends is believed in nothing.
 *
 * Threads: any; it blocks, and has some of its own meanwhile.
 */
#ifndef REMORA_AGENT_NBD_H
#define REMORA_AGENT_NBD_H

#include <glib.h>
#include <stdbool.h>

/* The most that one request reads or writes; QEMU is told, and heeds it. */
#define NBD_PIECE_MAX (2u * 1024u * 1024u)
/* How many requests are served at once. */
#define NBD_WORKERS 4

/* A part of the disk, from several threads at once. */
typedef gboolean (*NbdPart)(
    gpointer data, guint64 offset, gpointer buffer, gsize len, GError **error);

typedef struct {
    guint64 size; /* whole sectors */
    NbdPart read; /* one of the two; the other is NULL */
    NbdPart write;
    gpointer data;
} NbdDisk;

/* Until the other end is done, or somebody shuts the socket down. FALSE: a part
 * could not be read or written (its first error), or the other end broke the
 * rules. */
gboolean nbd_serve(int fd, const NbdDisk *disk, GError **error);

#endif
