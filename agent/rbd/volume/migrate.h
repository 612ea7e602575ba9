/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/migrate.h - a volume moves to another pool
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_MIGRATE_H
#define REMORA_AGENT_RBD_VOLUME_MIGRATE_H

#include "agent/rbd/conn/cluster.h"
#include "agent/rbd/image/source.h"

#include <stdbool.h>

/* Moves it, with its snapshots and its clones, under its claims in both pools. After
 * a failure it is where it was; the copy cannot be cancelled, whatever progress says.
 * What a call that was cut short has begun the next one completes; by then the volume
 * is in the pool to, from which it is named as well. ret_moved: it was not there
 * already. */
gboolean store_volume_migrate(StoreCluster *cluster,
                              const char *pool,
                              const char *name,
                              const char *to,
                              StoreProgress progress,
                              gpointer data,
                              bool *ret_moved,
                              GError **error);

#endif
