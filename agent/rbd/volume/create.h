/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/create.h - a new, empty volume
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_CREATE_H
#define REMORA_AGENT_RBD_VOLUME_CREATE_H

#include "agent/rbd/volume/options.h"

/* Makes volume-UUID, under its claim. STORE_ERROR_BUSY: there is one already.
 * What a call that was cut short has left of it goes first. */
gboolean store_volume_create(StoreCluster *cluster,
                             const char *pool,
                             const char *name,
                             const StoreVolumeSpec *spec,
                             GError **error);

#endif
