/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/encrypt.h - a new volume is encrypted, by librbd
 *
 * Threads:  any; blocks, for some seconds. Of this room.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_ENCRYPT_H
#define REMORA_AGENT_RBD_VOLUME_ENCRYPT_H

#include "agent/rbd/volume/claimed.h"
#include "agent/rbd/volume/options.h"

/* More than any header of LUKS takes, in whole objects of any size. */
#define STORE_LUKS_HEADER_MAX (G_GUINT64_CONSTANT(64) << 20)

/* Of one that was just made, empty, with STORE_LUKS_HEADER_MAX more than spec says:
 * writes the header of spec->encryption, and leaves space for spec->size behind
 * it. */
gboolean store_encrypt(const StoreClaimed *claimed,
                       const StoreVolumeSpec *spec,
                       GError **error);

#endif
