/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/base.h - images of our own that disks are cloned from
 *
 * A base image is in the pool of clones, because the pools of images are only
 * read. It is there, as far as anybody clones it, when it has a protected
 * snapshot: that comes after the mark that says whole.
 *
 * Threads:  any; everything blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_BASE_H
#define REMORA_AGENT_RBD_DISK_BASE_H

#include "agent/rbd/disk/disk.h"

/* What is to be made. Borrowed for the call. */
typedef struct {
    const char *pool;
    const char *image;
    guint64 size;
    StoreFill fill;
    gpointer fill_data;
    guint patience_ms; /* how long another host that makes it is waited for */
} StoreBaseAsk;

/* Makes it, under its claim: filled, marked, with a protected snapshot
 * STORE_SNAP. One that is whole already gets the snapshot, if it lacks it.
 * ret_recovered: as StoreResult's; g_free() it, after FALSE, too. ret_made: it
 * was made by this call. */
gboolean store_base_make(StoreCluster *cluster,
                         const StoreBaseAsk *ask,
                         bool *ret_made,
                         char **ret_recovered,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
