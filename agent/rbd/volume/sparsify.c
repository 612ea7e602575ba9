/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/sparsify.c - zeroes of a volume take no space
 */
#include "config.h"

#include "agent/rbd/volume/sparsify.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/volume/claimed.h"
#include "agent/rbd/volume/progress.h"

/* As 'rbd sparsify' does it: smaller holes are not worth an extent. */
#define HOLE 4096u

static gboolean
sparsify(const StoreClaimed *claimed, StoreSteps *steps, GError **error)
{
    StoreHandle handle = NULL;
    int closed;
    int r = rbd_open(claimed->io, claimed->volume, &handle, NULL);

    if (r >= 0)
        r = STORE_FAULT("volume-sparsifying");
    if (r >= 0)
        r = rbd_sparsify_with_progress(handle, HOLE, store_steps, steps);
    closed = handle ? store_close(handle) : 0;
    r = r < 0 ? r : closed;
    if (store_steps_cancelled(steps, r))
        return store_refuse(error, STORE_ERROR_FAILED,
                            "sparsifying volume '%s/%s' was cancelled",
                            claimed->pool, claimed->volume);
    return r >= 0 ||
           store_fail(error, claimed->conn, r, "cannot sparsify volume '%s/%s'",
                      claimed->pool, claimed->volume);
}

gboolean
store_volume_sparsify(StoreCluster *cluster,
                      const char *pool,
                      const char *name,
                      StoreProgress progress,
                      gpointer data,
                      GError **error)
{
    StoreSteps steps = {.show = progress, .data = data};
    StoreClaimed claimed;
    GError *why = NULL;

    if (!store_volume_claim_whole(cluster, pool, name, &claimed, error))
        return FALSE;
    steps.size = claimed.look.size;
    (void)sparsify(&claimed, &steps, &why);
    return store_volume_unclaim(&claimed, why, error);
}
