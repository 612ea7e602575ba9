/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/sparsify.c - zeroes of a volume take no room
 */
#include "config.h"

#include "agent/rbd/volume/sparsify.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/volume/hold.h"
#include "agent/rbd/volume/progress.h"

/* As 'rbd sparsify' does it: smaller holes are not worth an extent. */
#define HOLE 4096u

static gboolean
sparsify(const StoreHold *hold, StoreSteps *steps, GError **error)
{
    StoreHandle handle = NULL;
    int closed;
    int r = rbd_open(hold->io, hold->volume, &handle, NULL);

    if (r >= 0)
        r = STORE_FAULT("volume-sparsifying");
    if (r >= 0)
        r = rbd_sparsify_with_progress(handle, HOLE, store_steps, steps);
    closed = handle ? store_close(handle) : 0;
    r = r < 0 ? r : closed;
    if (store_steps_cancelled(steps, r))
        return store_refuse(error, STORE_ERROR_FAILED,
                            "sparsifying volume '%s/%s' was cancelled",
                            hold->pool, hold->volume);
    return r >= 0 ||
           store_fail(error, hold->conn, r, "cannot sparsify volume '%s/%s'",
                      hold->pool, hold->volume);
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
    StoreHold hold;
    GError *why = NULL;

    if (!store_hold_whole(cluster, pool, name, &hold, error))
        return FALSE;
    steps.size = hold.look.size;
    (void)sparsify(&hold, &steps, &why);
    return store_hold_end(&hold, why, error);
}
