/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/clone.h - a volume is made of another, of a snapshot, or of an
 * image
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_CLONE_H
#define REMORA_AGENT_RBD_VOLUME_CLONE_H

#include "agent/rbd/conn/cluster.h"
#include "agent/rbd/image/source.h"

#include <stdbool.h>

typedef struct {
    const char *pool; /* of what is cloned, as is the next */
    const char *image;
    const char *snap; /* NULL: of a volume as it is now */
    bool is_image;    /* whose content is looked at */
    guint64 size;     /* 0: the source's; never less */
    guint max_depth;  /* on how many volumes it may stand; 0: on nothing */
    /* Of one that nobody must take for whole before its own steps, after the
     * others; or NULL. handle is an rbd_image_t. librbd's number. */
    int (*seal)(gpointer handle);
    bool flatten;   /* on nothing, whatever max_depth says */
    bool wait;      /* until it is flattened, if it is */
    bool shareable; /* without what only one writer at a time can have */
    StoreProgress progress; /* of flattening */
    gpointer data;
} StoreVolumeOrigin;

typedef struct {
    guint64 size;
    bool flattened;
    bool queued; /* it is whole, and the cluster's task queue flattens it */
} StoreVolumeCloned;

/* Makes volume-UUID, under its claim. STORE_ERROR_BUSY: there is one already. A
 * volume may be open meanwhile, for what is cloned is a snapshot of it, which goes
 * with the clone. After a failure nothing is left, unless the error says so.
 * ret_left: set if a snapshot that was made for this alone is there and of no use,
 * however the rest ended: why, and what removes it. Cancelled while the cluster
 * flattens it, it is whole, and the cluster goes on, unless it is the clone of a
 * volume: then that is a failure. */
gboolean store_volume_clone(StoreCluster *cluster,
                            const char *pool,
                            const char *name,
                            const StoreVolumeOrigin *from,
                            StoreVolumeCloned *ret_cloned,
                            GError **ret_left,
                            GError **error);

#endif
