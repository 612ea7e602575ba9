/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/create.c - a new, empty volume
 *
 * As Cinder makes it: an image of that size, and nothing else. There is nothing
 * to fill, so one that opens is whole, but for what librbd adds last, such as
 * its object map; until that is there, the claim says so. One that is encrypted
 * gets its header, and says so itself until it has it.
 */
#include "config.h"

#include "agent/rbd/volume/create.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/volume/encrypt.h"
#include "agent/rbd/volume/hold.h"

#include <errno.h>

static gboolean
create(StoreHold *hold, const StoreVolumeSpec *spec, GError **error)
{
    StoreConn *conn = hold->conn;
    guint64 size = spec->size + (spec->encryption ? STORE_LUKS_ROOM : 0);
    g_auto(StoreOptions) options = NULL;
    int r;

    rbd_image_options_create(&options);
    r = store_options_fill(options, store_settings(conn->cluster), spec);
    if (r >= 0)
        r = rbd_create4(hold->io, hold->volume, size, options);
    if (r >= 0)
        r = STORE_FAULT("volume-created");
    if (r == -EINVAL)
        return store_refuse(error, STORE_ERROR_REFUSED,
                            "volume '%s/%s' cannot be created so: check its "
                            "features and its object size",
                            hold->pool, hold->volume);
    if (r == -ENOENT)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "volume '%s/%s' cannot be created: is its pool for "
                            "data there? (ceph osd pool ls)",
                            hold->pool, hold->volume);
    if (r < 0)
        return store_fail(
            error, conn, r, "cannot create volume '%s/%s' as 'client.%s'",
            hold->pool, hold->volume, store_cluster_user(conn->cluster));
    return (!spec->encryption || store_encrypt(hold, spec, error)) &&
           store_hold_made(hold, error);
}

gboolean
store_volume_create(StoreCluster *cluster,
                    const char *pool,
                    const char *name,
                    const StoreVolumeSpec *spec,
                    GError **error)
{
    const char *data_pool = store_spec_data_pool(store_settings(cluster), spec);
    StoreHold hold;
    GError *why = NULL;

    if (!store_hold(cluster, pool, name, true, &hold, error))
        return FALSE;
    if (store_hold_room_for(&hold, data_pool, NULL, &why) &&
        store_hold_free_name(&hold, &why)) {
        hold.keeps = true;
        if (!create(&hold, spec, &why))
            store_hold_unmake(&hold, why);
    }
    return store_hold_end(&hold, why, error);
}
