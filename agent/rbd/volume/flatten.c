/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/flatten.c - a volume stands alone
 *
 * Cut short it is a clone that reads as before, and the next call goes on; so does
 * what is left of the snapshot that it hung from, as long as that is linked.
 */
#include "config.h"

#include "agent/rbd/volume/flatten.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/map.h"
#include "agent/rbd/volume/flat.h"
#include "agent/rbd/volume/origin.h"

/* Nothing is flattened with an object map. */
static gboolean
map_off(const StoreHold *hold, GError **error)
{
    int r = store_map_off(hold->io, hold->volume);

    return r >= 0 || store_fail(error, hold->conn, r,
                                "cannot turn off the object map of '%s/%s'",
                                hold->pool, hold->volume);
}

/* Also of who was killed before that. */
static gboolean
map_on(const StoreHold *hold, GError **error)
{
    int r = store_map_on(hold->io, hold->volume, NULL, NULL);

    return r >= 0 || store_fail(error, hold->conn, r,
                                "cannot rebuild the object map of '%s/%s'",
                                hold->pool, hold->volume);
}

static gboolean
flatten(const StoreHold *hold, StoreSteps *steps, GError **error)
{
    g_auto(StoreOwnSnap) origin = {0};

    return store_hold_room(hold, error) &&
           store_own_snap_read(hold, &origin, error) && map_off(hold, error) &&
           store_flat(hold, steps, error) &&
           store_own_snap_let_go(hold, &origin, error);
}

gboolean
store_volume_flatten(StoreCluster *cluster,
                     const char *pool,
                     const char *name,
                     StoreProgress progress,
                     gpointer data,
                     bool *ret_flat,
                     GError **error)
{
    StoreSteps steps = {.show = progress, .data = data};
    StoreHold hold;
    GError *why = NULL;

    if (!store_hold_whole(cluster, pool, name, &hold, error))
        return FALSE;
    *ret_flat = !hold.look.has_parent;
    steps.size = hold.look.size;
    if (!hold.look.has_parent || flatten(&hold, &steps, &why))
        (void)map_on(&hold, &why);
    return store_hold_end(&hold, why, error);
}
