/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/resize.c - a volume gets another size
 *
 * A shrink that is cut short has lost some of its end and kept its size; the same
 * call once more completes it.
 */
#include "config.h"

#include "agent/rbd/volume/resize.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/volume/claimed.h"
#include "agent/rbd/volume/progress.h"

static gboolean
resize(const StoreClaimed *claimed,
       guint64 size,
       bool may_shrink,
       StoreSteps *steps,
       GError **error)
{
    StoreHandle handle = NULL;
    int closed;
    int r = rbd_open(claimed->io, claimed->volume, &handle, NULL);

    if (r >= 0)
        r = STORE_FAULT("volume-resizing");
    if (r >= 0)
        r = rbd_resize2(handle, size, may_shrink, store_steps, steps);
    if (r >= 0)
        r = STORE_FAULT("volume-resized");
    closed = handle ? store_close(handle) : 0;
    r = r < 0 ? r : closed;
    if (store_steps_cancelled(steps, r))
        return store_refuse(error, STORE_ERROR_FAILED,
                            "resizing volume '%s/%s' was cancelled: it has its "
                            "size, but maybe not all of its end",
                            claimed->pool, claimed->volume);
    return r >= 0 ||
           store_fail(error, claimed->conn, r, "cannot resize volume '%s/%s'",
                      claimed->pool, claimed->volume);
}

gboolean
store_volume_resize(StoreCluster *cluster,
                    const char *pool,
                    const char *name,
                    guint64 size,
                    bool may_shrink,
                    StoreProgress progress,
                    gpointer data,
                    guint64 *ret_before,
                    GError **error)
{
    StoreSteps steps = {.show = progress, .data = data, .size = size};
    StoreClaimed claimed;
    StoreSize what;
    GError *why = NULL;

    if (!store_volume_claim_whole(cluster, pool, name, &claimed, error))
        return FALSE;
    *ret_before = claimed.look.size;
    what = store_size_verdict(claimed.look.size, size, may_shrink);
    if (what == STORE_SIZE_REFUSE)
        store_refuse(&why, STORE_ERROR_REFUSED,
                     "volume '%s/%s' has %" G_GUINT64_FORMAT
                     " bytes, and what lies behind a smaller size would be "
                     "lost: nothing was changed (remora volume resize --help)",
                     pool, name, claimed.look.size);
    else if (what != STORE_SIZE_KEEP &&
             (size < claimed.look.size || store_claimed_space(&claimed, &why)))
        (void)resize(&claimed, size, may_shrink, &steps, &why);
    return store_volume_unclaim(&claimed, why, error);
}
