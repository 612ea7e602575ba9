/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/flatten.c - a volume stands alone
 *
 * Cut short it is a clone that reads as before, and the next call goes on; so does
 * what is left of the snapshot that it hung from, as long as that is linked.
 *
 * That snapshot goes last: librbd takes one away that was removed before it takes
 * the parent away, and who is killed in between leaves a clone that cannot be
 * opened. So where there is one somebody has to wait, and nobody goes on without him;
 * for the case that somebody does, a note says which it was (origin-note.c).
 */
#include "config.h"

#include "agent/rbd/volume/flatten.h"

#include "agent/rbd/volume/flat.h"
#include "agent/rbd/volume/origin.h"

static gboolean
flatten(const StoreClaimed *claimed,
        bool wait,
        StoreSteps *steps,
        StoreVolumeFlat *ret_flat,
        GError **error)
{
    StoreFlatWait how = wait ? STORE_FLAT_WAIT : STORE_FLAT_NO_WAIT;
    bool queued = false;

    if (!store_claimed_space(claimed, error) ||
        !store_flat(claimed, how, steps, &queued, error))
        return FALSE;
    *ret_flat = queued ? STORE_VOLUME_IN_QUEUE : STORE_VOLUME_FLATTENED;
    return queued || store_own_snap_let_go_noted(claimed, error);
}

gboolean
store_volume_flatten(StoreCluster *cluster,
                     const char *pool,
                     const char *name,
                     bool wait,
                     StoreProgress progress,
                     gpointer data,
                     StoreVolumeFlat *ret_flat,
                     GError **error)
{
    StoreSteps steps = {.show = progress, .data = data};
    StoreClaimed claimed;
    GError *why = NULL;

    if (!store_volume_claim(cluster, pool, name, false, &claimed, error))
        return FALSE;
    *ret_flat = STORE_VOLUME_WAS_FLAT;
    steps.size = claimed.look.size;
    if (claimed.state == STORE_CLAIMED_WHOLE && !claimed.look.has_parent)
        (void)store_flat_finish(&claimed, &steps, &why);
    else if (claimed.state == STORE_CLAIMED_FLATTENING ||
             store_claimed_check(&claimed, &why))
        (void)flatten(&claimed, wait, &steps, ret_flat, &why);
    return store_volume_unclaim(&claimed, why, error);
}
