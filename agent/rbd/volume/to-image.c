/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/to-image.c - an image is made of a volume
 *
 * An image is whole when it has its snapshot. Until then it says that it is being
 * filled, like one that is added.
 */
#include "config.h"

#include "agent/rbd/volume/to-image.h"

#include "agent/rbd/conn/fault.h"
#include "agent/rbd/image/list.h"

#include <rbd/librbd.h>

static int
seal(gpointer handle)
{
    int r = rbd_snap_create(handle, STORE_SNAP);

    if (r >= 0)
        r = rbd_snap_protect(handle, STORE_SNAP);
    if (r >= 0)
        r = STORE_FAULT("volume-sealed");
    return r;
}

gboolean
store_volume_to_image(StoreCluster *cluster,
                      const char *pool,
                      const char *image,
                      const StoreVolumeOrigin *from,
                      guint64 *ret_size,
                      GError **ret_left,
                      GError **error)
{
    StoreVolumeOrigin all = *from;
    StoreVolumeCloned cloned = {0};

    all.seal = seal;
    all.flatten = true;
    if (!store_volume_clone(cluster, pool, image, &all, &cloned, ret_left,
                            error))
        return FALSE;
    *ret_size = cloned.size;
    return TRUE;
}
