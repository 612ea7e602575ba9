/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/flat.c - an image is flattened, wherever that is done
 */
#include "config.h"

#include "agent/rbd/volume/flat.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/handle.h"

#include <errno.h>

gboolean
store_flat(const StoreHold *hold, StoreSteps *steps, GError **error)
{
    StoreHandle handle = NULL;
    int closed;
    int r = rbd_open(hold->io, hold->volume, &handle, NULL);

    if (r >= 0)
        r = STORE_FAULT("volume-flattening");
    if (r >= 0) {
        r = rbd_flatten_with_progress(handle, store_steps, steps);
        /* It has no parent. */
        r = r == -EINVAL ? 0 : r;
    }
    if (r >= 0)
        r = STORE_FAULT("volume-flattened");
    closed = handle ? store_close(handle) : 0;
    r = r < 0 ? r : closed;
    if (store_steps_cancelled(steps, r))
        return store_refuse(error, STORE_ERROR_FAILED,
                            "flattening volume '%s/%s' was cancelled",
                            hold->pool, hold->volume);
    return r >= 0 ||
           store_fail(error, hold->conn, r, "cannot flatten volume '%s/%s'",
                      hold->pool, hold->volume);
}
