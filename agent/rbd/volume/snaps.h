/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/snaps.h - the snapshots of a volume, read
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_SNAPS_H
#define REMORA_AGENT_RBD_VOLUME_SNAPS_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
    char *name;
    guint64 size;   /* of the volume at that time */
    gint64 created; /* seconds since 1970 */
    bool is_protected;
    bool own; /* made for a clone or a backup, not because somebody asked */
} StoreVolumeSnap;

void store_volume_snap_free(StoreVolumeSnap *snap);
/* Of StoreVolumeSnap; what was removed while it had clones is left out, for it
 * is nobody's any more. handle is an rbd_image_t; NULL: *ret_r is librbd's
 * number. */
GPtrArray *store_snaps_read(gpointer handle, int *ret_r);
/* Of that name, in such a list; or NULL. */
const StoreVolumeSnap *store_snaps_find(const GPtrArray *snaps,
                                        const char *name);
/* Unprotects and removes one; what is not there is no error. librbd's number:
 * -EBUSY: it has clones of format 1. */
int store_snap_remove(gpointer handle, const StoreVolumeSnap *snap);
/* What was removed while it had clones is in the trash of the image's snapshots,
 * and librbd removes it with the last of them; but a client that dies in that, or
 * cannot have the image's lock, leaves it there for ever. Removes those that have
 * no clones. What cannot be removed stays for the next call. */
void store_snaps_remove_left(gpointer handle);

#endif
