/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/origin.h - the snapshot that was made for a volume alone
 *
 * A clone of a volume hangs from a snapshot of that volume, 'NAME.clone_snap',
 * which is of no use any more when the clone is gone or stands alone.
 *
 * Threads:  any; blocks. Of this room.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_ORIGIN_H
#define REMORA_AGENT_RBD_VOLUME_ORIGIN_H

#include "agent/rbd/volume/hold.h"

typedef struct {
    bool own;      /* it hangs from a snapshot of that kind */
    gint64 pool;   /* the parent's, by number */
    char *space;   /* its namespace, or "" */
    char *id;      /* its image's id */
    char *name;    /* and its name */
    char *snap;    /* the snapshot */
    bool in_trash; /* the parent is */
    bool lets_go;  /* of format 2: the snapshot may go before the child */
} StoreOwnSnap;

void store_own_snap_clear(StoreOwnSnap *origin);
gboolean store_own_snap_read(const StoreHold *hold,
                             StoreOwnSnap *ret_origin,
                             GError **error);
/* The child is about to go. Its snapshot is removed first, which moves it to the
 * trash of its image's snapshots, for librbd to remove with the child: whoever
 * dies in between leaves nothing that the next removal of the child does not
 * find. What cannot be done now is store_own_snap_let_go's. */
void store_own_snap_retire(const StoreHold *hold, const StoreOwnSnap *origin);
/* The child is gone, or stands alone: the snapshot goes, too, and so does a
 * parent that Cinder had kept for that child alone, and what that hung from. */
gboolean store_own_snap_let_go(const StoreHold *hold,
                               const StoreOwnSnap *origin,
                               GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreOwnSnap, store_own_snap_clear)

#endif
