/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/export.c - a volume's bytes into a file or a pipe
 *
 * The snapshot that is read is called as that of a clone with an id that nobody has.
 * So one that a killed call leaves is known for one that nobody asked for, and goes
 * with the volume at the latest.
 */
#include "config.h"

#include "agent/rbd/volume/export.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/volume/name.h"
#include "agent/rbd/volume/snap.h"

static gboolean
export_now(StoreCluster *cluster,
           const char *pool,
           const char *name,
           const StoreImageTarget *target,
           guint64 *ret_size,
           GError **ret_left,
           GError **error)
{
    g_autofree char *id = g_uuid_string_random();
    g_autofree char *nobody = store_volume_name(id);
    g_autofree char *snap = store_clone_snap(nobody);
    gboolean good;
    int r;

    if (!store_volume_snap_create(cluster, pool, name, snap, error))
        return FALSE;
    r = STORE_FAULT("volume-exporting");
    good = r >= 0 ? store_image_export(cluster, pool, name, snap, target,
                                       ret_size, error)
                  : store_fail(error, NULL, r, "cannot read '%s/%s@%s'", pool,
                               name, snap);
    store_volume_snap_remove_own(cluster, pool, name, snap, ret_left);
    return good;
}

gboolean
store_volume_export(StoreCluster *cluster,
                    const char *pool,
                    const char *name,
                    const char *snap,
                    const StoreImageTarget *target,
                    guint64 *ret_size,
                    GError **ret_left,
                    GError **error)
{
    return snap ? store_image_export(cluster, pool, name, snap, target,
                                     ret_size, error)
                : export_now(cluster, pool, name, target, ret_size, ret_left,
                             error);
}
