/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/contents.h - what is put into a disk that has no parent
 *
 * Threads: any; one Contents belongs to one thread at a time.
 */
#ifndef REMORA_AGENT_CONTENTS_H
#define REMORA_AGENT_CONTENTS_H

#include "agent/rbd/store.h"
#include "xml/dom.h"

/* The largest file that becomes a config drive. Nova's have 64 MiB at most. */
#define CONTENTS_FILE_MAX (64u * 1024u * 1024u)

/* One disk's. Only { .fd = -1 } is empty. */
typedef struct {
    const DomDisk *disk; /* borrowed */
    int fd;              /* of the host's file, or -1 */
    guint64 size;        /* and how large that is */
    char *why;           /* it cannot be used */
} Contents;

/* Completes what is wanted of a DOM_DISK_NEW, which borrows from contents.
 * Opens the host's file, if one is named: if it cannot be used, the disk has to
 * be there already. */
void contents_begin(Contents *contents, const DomDisk *disk, StoreDisk *into);
/* Before anything is made: whether the file, or what was made of it before, is
 * there. Blocks. */
gboolean contents_check(const Contents *contents,
                        StoreCluster *cluster,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Of an image that is not there, in place of that error: the file is why. */
void contents_explain(const Contents *contents, GError **error);
void contents_end(Contents *contents);

#endif
