/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/flatten.c - a volume stands alone
 *
 * Cut short it is a clone that reads as before, and the next call goes on; so does
 * what is left of the snapshot that it hung from, as long as that is linked.
 */
#include "config.h"

#include "agent/rbd/volume/flatten.h"

#include "agent/rbd/volume/flat.h"
#include "agent/rbd/volume/origin.h"

gboolean
store_volume_flatten(StoreCluster *cluster,
                     const char *pool,
                     const char *name,
                     StoreProgress progress,
                     gpointer data,
                     bool *ret_flat,
                     GError **error)
{
    g_auto(StoreOwnSnap) origin = {0};
    StoreSteps steps = {.show = progress, .data = data};
    StoreHold hold;
    GError *why = NULL;

    if (!store_hold_whole(cluster, pool, name, &hold, error))
        return FALSE;
    *ret_flat = !hold.look.has_parent;
    steps.size = hold.look.size;
    if (hold.look.has_parent && store_hold_room(&hold, &why) &&
        store_own_snap_read(&hold, &origin, &why) &&
        store_flat(&hold, &steps, &why))
        (void)store_own_snap_let_go(&hold, &origin, &why);
    return store_hold_end(&hold, why, error);
}
