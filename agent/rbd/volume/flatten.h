/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/flatten.h - a volume stands alone
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_FLATTEN_H
#define REMORA_AGENT_RBD_VOLUME_FLATTEN_H

#include "agent/rbd/conn/cluster.h"
#include "agent/rbd/image/source.h"

#include <stdbool.h>

typedef enum {
    STORE_VOLUME_FLATTENED,
    STORE_VOLUME_WAS_FLAT, /* it stood alone already */
    STORE_VOLUME_IN_QUEUE, /* the cluster's task queue goes on */
} StoreVolumeFlat;

/* Copies into it, in the cluster, what it has of its parent, and lets go of what
 * was kept there for it alone. wait: until it is done; without, it waits only where
 * something has to be let go of afterwards, or where the cluster cannot do it alone.
 * Cancelled, it is a clone as before, or the cluster goes on, if nothing has to be
 * let go of. */
gboolean store_volume_flatten(StoreCluster *cluster,
                              const char *pool,
                              const char *name,
                              bool wait,
                              StoreProgress progress,
                              gpointer data,
                              StoreVolumeFlat *ret_flat,
                              GError **error);

#endif
