/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/snap.h - snapshots of a volume, as Cinder makes them
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_SNAP_H
#define REMORA_AGENT_RBD_VOLUME_SNAP_H

#include "agent/rbd/image/source.h"
#include "agent/rbd/volume/info.h"

/* Makes a snapshot and protects it. One that is there already is protected if it
 * is not, as a call that was cut short leaves it; else it is STORE_ERROR_BUSY.
 * It writes nothing that a guest could lose, so a guest may have the volume
 * open, and no claim is taken. */
gboolean store_volume_snap_create(StoreCluster *cluster,
                                  const char *pool,
                                  const char *name,
                                  const char *snap,
                                  GError **error);
/* Unprotects and removes one. Its clones of format 2 go on without it; with one
 * of format 1 it is STORE_ERROR_BUSY. */
gboolean store_volume_snap_remove(StoreCluster *cluster,
                                  const char *pool,
                                  const char *name,
                                  const char *snap,
                                  GError **error);
/* The same of one that was made for one call alone, and that may be gone. What the
 * call did is no worse for one that stays, so that is no failure of that: ret_left
 * says why, and what removes it. */
void store_volume_snap_remove_own(StoreCluster *cluster,
                                  const char *pool,
                                  const char *name,
                                  const char *snap,
                                  GError **ret_left);
/* Puts the volume's content, and its size, back, under its claim. Cut short, it
 * leaves the volume marked, so that no guest starts from what is between two
 * states, and the next rollback goes on. */
gboolean store_volume_snap_rollback(StoreCluster *cluster,
                                    const char *pool,
                                    const char *name,
                                    const char *snap,
                                    StoreProgress progress,
                                    gpointer data,
                                    GError **error);

#endif
