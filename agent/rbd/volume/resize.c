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
#include "agent/rbd/volume/hold.h"
#include "agent/rbd/volume/progress.h"

static gboolean
resize(const StoreHold *hold,
       guint64 size,
       bool may_shrink,
       StoreSteps *steps,
       GError **error)
{
    StoreHandle handle = NULL;
    int closed;
    int r = rbd_open(hold->io, hold->volume, &handle, NULL);

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
                            hold->pool, hold->volume);
    return r >= 0 ||
           store_fail(error, hold->conn, r, "cannot resize volume '%s/%s'",
                      hold->pool, hold->volume);
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
    StoreHold hold;
    StoreSize what;
    GError *why = NULL;

    if (!store_hold_whole(cluster, pool, name, &hold, error))
        return FALSE;
    *ret_before = hold.look.size;
    what = store_size_verdict(hold.look.size, size, may_shrink);
    if (what == STORE_SIZE_REFUSE)
        store_refuse(&why, STORE_ERROR_REFUSED,
                     "volume '%s/%s' has %" G_GUINT64_FORMAT
                     " bytes, and what lies behind a smaller size would be "
                     "lost: nothing was changed (remora volume resize --help)",
                     pool, name, hold.look.size);
    else if (what != STORE_SIZE_KEEP &&
             (size < hold.look.size || store_hold_room(&hold, &why)))
        (void)resize(&hold, size, may_shrink, &steps, &why);
    return store_hold_end(&hold, why, error);
}
