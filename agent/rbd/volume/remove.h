/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/remove.h - a volume goes
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_REMOVE_H
#define REMORA_AGENT_RBD_VOLUME_REMOVE_H

#include "agent/rbd/disk/remove.h"

/*
 * Removes a volume as Cinder does, with the snapshots that were made for its
 * clones and backups. One whose clones, of format 2, still need it goes to the
 * trash, where the last of them leaves nothing to keep; with to_trash any does, as
 * it is. One that somebody has open, that has snapshots, or clones of format 1, is
 * STORE_ERROR_BUSY and stays as it is. A half-made one is removed, too.
 */
gboolean store_volume_remove(StoreCluster *cluster,
                             const char *pool,
                             const char *name,
                             bool to_trash,
                             StoreRemoved *ret_removed,
                             GError **error);

#endif
