/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/family.h - what hangs from a volume, and why that is in the way
 *
 * Threads:  any; what reads blocks. Of this room.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_FAMILY_H
#define REMORA_AGENT_RBD_VOLUME_FAMILY_H

#include "agent/rbd/volume/claimed.h"

typedef struct {
    GPtrArray *snaps;    /* of StoreVolumeSnap */
    GPtrArray *children; /* of StoreChild, of any snapshot */
    GPtrArray *unseen;   /* of char *: pools that may have more, of format 1 */
} StoreVolumeFamily;

void store_family_clear(StoreVolumeFamily *family);
gboolean store_family_read(const StoreClaimed *claimed,
                           StoreVolumeFamily *ret_family,
                           GError **error);

/* All give FALSE. */
gboolean store_refuse_snapshots(const StoreClaimed *claimed,
                                const StoreVolumeFamily *family,
                                GError **error);
gboolean store_refuse_clones(const StoreClaimed *claimed,
                             const StoreVolumeFamily *family,
                             GError **error);
gboolean store_refuse_unseen(const StoreClaimed *claimed,
                             const StoreVolumeFamily *family,
                             GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreVolumeFamily, store_family_clear)

#endif
