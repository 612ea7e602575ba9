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

/* Copies into it, in the cluster, what it has of its parent, and lets go of what
 * was kept there for it alone. ret_flat: it stood alone already. Cancelled, it is
 * a clone as before. */
gboolean store_volume_flatten(StoreCluster *cluster,
                              const char *pool,
                              const char *name,
                              StoreProgress progress,
                              gpointer data,
                              bool *ret_flat,
                              GError **error);

#endif
