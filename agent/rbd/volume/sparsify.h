/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/sparsify.h - zeroes of a volume take no space
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_SPARSIFY_H
#define REMORA_AGENT_RBD_VOLUME_SPARSIFY_H

#include "agent/rbd/conn/cluster.h"
#include "agent/rbd/image/source.h"

/* Gives back what holds only zeroes, in the cluster. Cut short, it has given back
 * less. */
gboolean store_volume_sparsify(StoreCluster *cluster,
                               const char *pool,
                               const char *name,
                               StoreProgress progress,
                               gpointer data,
                               GError **error);

#endif
