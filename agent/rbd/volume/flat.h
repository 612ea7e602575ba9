/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/flat.h - an image is flattened, wherever that is done
 *
 * Threads:  any; blocks. Of this room.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_FLAT_H
#define REMORA_AGENT_RBD_VOLUME_FLAT_H

#include "agent/rbd/volume/hold.h"
#include "agent/rbd/volume/progress.h"

/* Of a volume that is held and that somebody waits for: here, by librbd. It may
 * be flat. steps->size is the volume's. */
gboolean store_flat(const StoreHold *hold, StoreSteps *steps, GError **error);

#endif
