/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/origin.h - the snapshot that was made for a volume alone
 *
 * A clone of a volume hangs from a snapshot of that volume, 'NAME.clone_snap',
 * which is of no use any more when the clone is gone or stands alone. One that was
 * flattened hangs from it no more, and a note says from what it did.
 *
 * Threads:  any; blocks. Of this room.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_ORIGIN_H
#define REMORA_AGENT_RBD_VOLUME_ORIGIN_H

#include "agent/rbd/image/trash.h"
#include "agent/rbd/volume/claimed.h"
#include "agent/rbd/volume/origin-note.h"

/* ret_origin->own: there is one. FALSE: that cannot be told, and the volume must not
 * go before it can. */
gboolean store_own_snap_read(const StoreClaimed *claimed,
                             StoreOwnSnap *ret_origin,
                             GError **error);
/* The same of an image in the trash. handle is an rbd_image_t. */
gboolean store_own_snap_read_trashed(StoreConn *conn,
                                     gpointer handle,
                                     const StoreTrashed *trashed,
                                     StoreOwnSnap *ret_origin,
                                     GError **error);
/* Before it is flattened. handle is an rbd_image_t, id the image's. Returns librbd's
 * number. */
int store_own_snap_note(gpointer handle,
                        const char *volume,
                        const char *id,
                        bool *ret_own);
/* The child is about to go. Its snapshot is removed first, which moves it to the
 * trash of its image's snapshots, for librbd to remove with the child: whoever
 * dies in between leaves nothing that the next removal of the child does not
 * find. What cannot be done now is store_own_snap_let_go's. librbd's number: -EBUSY,
 * clones of format 1 need it. */
int store_own_snap_retire(StoreConn *conn, const StoreOwnSnap *origin);
/* The child is gone, or stands alone: the snapshot goes, too, and so does a
 * parent that Cinder had kept for that child alone, and what that hung from. */
gboolean store_own_snap_let_go(const StoreClaimed *claimed,
                               const StoreOwnSnap *origin,
                               GError **error);
/* The same, and gives librbd's number. What store_own_snap_is_enough() of, is none to
 * speak of: somebody was faster, or still needs it. */
int store_own_snap_drop(StoreConn *conn, const StoreOwnSnap *origin);
bool store_own_snap_is_enough(int r);
/* Whether the parent is what Cinder has kept for its clones, and may go with it. Pure. */
bool store_own_snap_is_kept(const StoreOwnSnap *origin);
/* The same of one that stands alone, if it was noted before, and nothing of one that
 * has a parent; the note goes with the snapshot. One that a clone of format 1 needs, or
 * that this user may not remove, stays, and the note with it. */
gboolean store_own_snap_let_go_noted(const StoreClaimed *claimed,
                                     GError **error);
/* The note goes, for it is not flattened. Returns librbd's number. */
int store_own_snap_forget(const StoreClaimed *claimed);

#endif
