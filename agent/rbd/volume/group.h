/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/group.h - snapshots of several disks at one moment
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_GROUP_H
#define REMORA_AGENT_RBD_VOLUME_GROUP_H

#include "agent/rbd/conn/cluster.h"

#include <stdbool.h>

typedef struct {
    StoreCluster *cluster;
    const char *pool;
    const char *image; /* in a namespace of RBD: 'namespace/image' */
} StoreGroupDisk;

/* What who uses the disks does about the moment. */
typedef struct {
    /* Before the first snapshot is made: from now on nobody writes. */
    gboolean (*hold)(gpointer data, GError **error);
    /* After the last, whatever became of them, if hold was called. FALSE: it was
     * not one moment, and none of the snapshots stays. */
    gboolean (*let_go)(gpointer data, GError **error);
    /* Whether to end as soon as possible, with none. */
    bool (*stopped)(gpointer data);
    gpointer data;
} StoreGroupHow;

/* Makes a snapshot of that name of each of the disks, and protects it; all, or
 * none. STORE_ERROR_BUSY: one of them has it already, and nothing was done. It
 * writes nothing that a guest could lose, so guests may have the disks open, and no
 * claim is taken. After a failure none of those that were made is left, unless the
 * error says so. */
gboolean store_group_snap_create(const StoreGroupDisk *disks,
                                 gsize n,
                                 const char *snap,
                                 const StoreGroupHow *how,
                                 GError **error);
/* Removes it of those that have it. STORE_ERROR_MISSING: none has; _BUSY: one has
 * clones of format 1 of it, and the others' may be gone. */
gboolean store_group_snap_remove(const StoreGroupDisk *disks,
                                 gsize n,
                                 const char *snap,
                                 GError **error);
/* Of StoreVolumeSnap, those of one disk; NULL: error is set. */
GPtrArray *store_group_snaps(const StoreGroupDisk *disk, GError **error);

#endif
