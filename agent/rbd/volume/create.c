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
#include "agent/rbd/volume/claimed.h"
#include "agent/rbd/volume/encrypt.h"

#include <errno.h>

static gboolean
create(StoreClaimed *claimed, const StoreVolumeSpec *spec, GError **error)
{
    StoreConn *conn = claimed->conn;
    guint64 size = spec->size + (spec->encryption ? STORE_LUKS_HEADER_MAX : 0);
    g_auto(StoreOptions) options = NULL;
    int r;

    rbd_image_options_create(&options);
    r = store_options_fill(options, store_settings(conn->cluster), spec);
    if (r >= 0)
        r = rbd_create4(claimed->io, claimed->volume, size, options);
    if (r >= 0)
        r = STORE_FAULT("volume-created");
    if (r == -EINVAL)
        return store_refuse(error, STORE_ERROR_REFUSED,
                            "volume '%s/%s' cannot be created so: check its "
                            "features and its object size",
                            claimed->pool, claimed->volume);
    if (r == -ENOENT)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "volume '%s/%s' cannot be created: is its pool for "
                            "data there? (ceph osd pool ls)",
                            claimed->pool, claimed->volume);
    if (r < 0)
        return store_fail(
            error, conn, r, "cannot create volume '%s/%s' as 'client.%s'",
            claimed->pool, claimed->volume, store_cluster_user(conn->cluster));
    return (!spec->encryption || store_encrypt(claimed, spec, error)) &&
           store_claimed_made(claimed, error);
}

gboolean
store_volume_create(StoreCluster *cluster,
                    const char *pool,
                    const char *name,
                    const StoreVolumeSpec *spec,
                    GError **error)
{
    const char *data_pool = store_spec_data_pool(store_settings(cluster), spec);
    StoreClaimed claimed;
    GError *why = NULL;

    if (!store_volume_claim(cluster, pool, name, true, &claimed, error))
        return FALSE;
    if (store_claimed_space_for(&claimed, data_pool, NULL, &why) &&
        store_claimed_free_name(&claimed, &why)) {
        claimed.keeps = true;
        if (!create(&claimed, spec, &why))
            store_claimed_unmake(&claimed, why);
    }
    return store_volume_unclaim(&claimed, why, error);
}
