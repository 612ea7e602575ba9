/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/flat.c - a volume that is held is flattened
 *
 * The mark that it is to be flattened is written first: by that all others know
 * whose watch the manager's is, and that they must not write to what has no parent
 * in a moment.
 */
#include "config.h"

#include "agent/rbd/volume/flat.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/flatten-cancel.h"
#include "agent/rbd/disk/flatten.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/flattening.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/image/map.h"

typedef struct {
    char id[128]; /* the image's */
    bool mapped;  /* it has an object map, which somebody has to rebuild in the
                   * end */
} Marked;

typedef struct {
    StoreSteps *steps;
    guint64 done; /* as was shown last */
    bool cancelled;
} Show;

/* ---- the mark ------------------------------------------------------------------------ */

/* One that is there names who is at it. */
static int
mark_open(rbd_image_t handle, Marked *ret_marked)
{
    const StoreFlattenMark owed = {.owed = true};
    g_auto(StoreFlattenMark) mark = {0};
    StoreMap map = {0};
    const char *id = ret_marked->id;
    int r = rbd_get_id(handle, ret_marked->id, sizeof(ret_marked->id));

    if (r >= 0)
        r = store_map_read(handle, &map);
    if (r >= 0)
        r = store_flatten_mark_read(handle, id, &mark);
    ret_marked->mapped = map.on || map.owed;
    return r < 0 || mark.owed ? r : store_flatten_mark_write(handle, id, &owed);
}

static int
mark(const StoreHold *hold, Marked *ret_marked)
{
    StoreHandle handle = NULL;
    int closed;
    int r = rbd_open(hold->io, hold->volume, &handle, NULL);

    if (r >= 0)
        r = mark_open(handle, ret_marked);
    closed = handle ? store_close(handle) : 0;
    return r < 0 ? r : closed;
}

static void
forget(const StoreHold *hold)
{
    g_auto(StoreHandle) handle = NULL;

    if (rbd_open(hold->io, hold->volume, &handle, NULL) >= 0)
        (void)store_flatten_mark_remove(handle);
}

/* ---- all of it ---------------------------------------------------------------------- */

static void
on_progress(double share, bool by_manager, gpointer data)
{
    Show *show = data;

    (void)by_manager;
    show->done = (guint64)(CLAMP(share, 0, 1) * (double)show->steps->size);
}

/* It is asked after each step, so that here is where it is shown. */
static bool
on_stopped(gpointer data)
{
    Show *show = data;
    const StoreSteps *steps = show->steps;

    if (steps->show && !steps->show(show->done, steps->size, steps->data))
        show->cancelled = true;
    return show->cancelled;
}

static gboolean
refuse_cancelled(const StoreHold *hold, const char *where, GError **error)
{
    return store_refuse(error, STORE_ERROR_FAILED,
                        "flattening volume '%s/%s' was cancelled%s", hold->pool,
                        hold->volume, where);
}

static gboolean
run(const StoreHold *hold,
    StoreFlatWait wait,
    StoreSteps *steps,
    bool *ret_queued,
    GError **error)
{
    Show show = {.steps = steps};
    const StoreFlattenHow how = {.any = true,
                                 .here = wait == STORE_FLAT_HERE,
                                 .no_wait = wait == STORE_FLAT_NO_WAIT,
                                 .progress = on_progress,
                                 .stopped = on_stopped,
                                 .data = &show};
    StoreFlattenEnd end = STORE_FLATTENED;

    if (!store_flatten(hold->conn->cluster, hold->pool, hold->volume, &how,
                       &end, error))
        return FALSE;
    *ret_queued = end == STORE_FLATTEN_QUEUED;
    if (end == STORE_FLATTENED || end == STORE_FLATTEN_NOT_OWED || *ret_queued)
        return TRUE;
    return refuse_cancelled(
        hold, end == STORE_FLATTEN_LEFT ? " in the cluster's task queue" : "",
        error);
}

/* The manager may have come to the end meanwhile. */
static gboolean
call_back(const StoreHold *hold,
          const char *id,
          bool *ret_queued,
          GError **error)
{
    g_auto(StoreLook) look = {0};

    store_flatten_cancel(hold->conn, hold->pool, hold->volume, id);
    *ret_queued = false;
    if (!store_look(hold->conn, hold->pool, hold->volume, NULL, &look, error))
        return FALSE;
    return look.has_parent ? refuse_cancelled(hold, "", error)
                           : store_flat_finish(hold, error);
}

static gboolean
flatten(const StoreHold *hold,
        StoreFlatWait wait,
        StoreSteps *steps,
        bool *ret_queued,
        GError **error)
{
    Marked marked = {0};
    int r = mark(hold, &marked);

    if (r >= 0)
        r = STORE_FAULT("volume-flattening");
    if (wait == STORE_FLAT_NO_WAIT && marked.mapped)
        wait = STORE_FLAT_WAIT;
    if (r >= 0 && !run(hold, wait, steps, ret_queued, error))
        return FALSE;
    if (r >= 0 && *ret_queued && wait == STORE_FLAT_TO_END &&
        !call_back(hold, marked.id, ret_queued, error))
        return FALSE;
    if (r >= 0)
        r = STORE_FAULT("volume-flattened");
    return r >= 0 ||
           store_fail(error, hold->conn, r, "cannot flatten volume '%s/%s'",
                      hold->pool, hold->volume);
}

gboolean
store_flat(const StoreHold *hold,
           StoreFlatWait wait,
           StoreSteps *steps,
           bool *ret_queued,
           GError **error)
{
    g_autoptr(GError) why = NULL;

    *ret_queued = false;
    if (flatten(hold, wait, steps, ret_queued, &why))
        return TRUE;
    if (store_conn_may_write(hold->conn, why))
        forget(hold);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

gboolean
store_flat_finish(const StoreHold *hold, GError **error)
{
    const StoreFlattenHow how = {.any = true, .here = true};
    StoreFlattenEnd end;

    return store_flatten(hold->conn->cluster, hold->pool, hold->volume, &how,
                         &end, error);
}
