/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/flat.c - a claimed volume is flattened
 *
 * The mark that it is to be flattened is written first: by that all others know
 * whose watch the manager's is, and that they must not write to what has no parent
 * in a moment. Before that it is noted which snapshot is to go behind it, which who
 * comes next does if nobody has.
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
#include "agent/rbd/volume/origin.h"

typedef struct {
    char id[128]; /* the image's */
    bool mapped;  /* it has an object map, which somebody has to rebuild in the
                    * end */
    bool own;     /* it hangs from a snapshot that goes then, too */
    bool was_wanted; /* the mark was there, as far as is known */
} Marked;

typedef struct {
    StoreSteps *steps;
    guint64 done; /* as was shown last */
    bool cancelled;
} Show;

/* ---- the mark ------------------------------------------------------------------------ */

/* One that is there names who is at it. */
static int
mark_open(const StoreClaimed *claimed, rbd_image_t handle, Marked *ret_marked)
{
    const StoreFlattenMark wanted = {.wanted = true};
    g_auto(StoreFlattenMark) mark = {0};
    StoreMap map = {0};
    const char *id = ret_marked->id;
    int r = rbd_get_id(handle, ret_marked->id, sizeof(ret_marked->id));

    if (r >= 0)
        r = store_map_read(handle, &map);
    if (r >= 0)
        r = store_flatten_mark_read(handle, id, &mark);
    if (r >= 0)
        ret_marked->was_wanted = mark.wanted;
    if (r >= 0)
        r = store_own_snap_note(handle, claimed->volume, id, &ret_marked->own);
    ret_marked->mapped = map.on || map.restore;
    return r < 0 || mark.wanted ? r
                                : store_flatten_mark_write(handle, id, &wanted);
}

static int
mark(const StoreClaimed *claimed, Marked *ret_marked)
{
    StoreHandle handle = NULL;
    int closed;
    int r = rbd_open(claimed->io, claimed->volume, &handle, NULL);

    if (r >= 0)
        r = mark_open(claimed, handle, ret_marked);
    closed = handle ? store_close(handle) : 0;
    return r < 0 ? r : closed;
}

/* ---- the work ----------------------------------------------------------------------- */

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

static StoreFlatEnd
end_of(StoreFlattenEnd end)
{
    switch (end) {
    case STORE_FLATTENED:
    case STORE_FLATTEN_NOT_WANTED:
        return STORE_FLAT_END_FLAT;
    case STORE_FLATTEN_QUEUED:
        return STORE_FLAT_END_QUEUED;
    case STORE_FLATTEN_LEFT:
    case STORE_FLATTEN_STOPPED:
        break;
    }
    return STORE_FLAT_END_STOPPED;
}

/* error: why it is not flat, unless the manager goes on. */
static StoreFlatEnd
run(const StoreClaimed *claimed,
    StoreFlatWait wait,
    StoreSteps *steps,
    GError **error)
{
    Show show = {.steps = steps};
    const StoreFlattenHow how = {.any = true,
                                 .here = wait == STORE_FLAT_HERE,
                                 .no_wait = wait == STORE_FLAT_NO_WAIT,
                                 .full_try = true,
                                 .progress = on_progress,
                                 .stopped = on_stopped,
                                 .data = &show};
    StoreFlattenEnd end = STORE_FLATTENED;

    if (!store_flatten(claimed->conn->cluster, claimed->pool, claimed->volume,
                       &how, &end, error))
        return STORE_FLAT_END_FAILED;
    if (end == STORE_FLATTEN_LEFT)
        (void)store_refuse(error, STORE_ERROR_FAILED,
                           "flattening volume '%s/%s' was cancelled in the "
                           "cluster's task queue",
                           claimed->pool, claimed->volume);
    return end_of(end);
}

/* steps: NULL, or it can be cancelled. */
static gboolean
do_rest(const StoreClaimed *claimed, StoreSteps *steps, GError **error)
{
    Show show = {.steps = steps};
    const StoreFlattenHow how = {.any = true,
                                 .here = true,
                                 .full_try = true,
                                 .stopped = steps ? on_stopped : NULL,
                                 .data = &show};
    StoreFlattenEnd end = STORE_FLATTENED;

    if (!store_flatten(claimed->conn->cluster, claimed->pool, claimed->volume,
                       &how, &end, error))
        return FALSE;
    return end != STORE_FLATTEN_STOPPED ||
           store_refuse(error, STORE_ERROR_FAILED,
                        "volume '%s/%s' stands alone, but rebuilding its "
                        "object map was cancelled: do that again (remora "
                        "volume flatten %s/%s)",
                        claimed->pool, claimed->volume, claimed->pool,
                        claimed->volume);
}

/* ---- what becomes of one that is not flat then ----------------------------------------- */

/* It may have come to its end meanwhile. */
static void
look_again(const StoreClaimed *claimed, StoreFlatFacts *facts)
{
    g_auto(StoreLook) look = {0};

    if (store_look(claimed->conn, claimed->pool, claimed->volume, NULL, &look,
                   NULL) &&
        look.opens)
        facts->has_parent = look.has_parent;
}

static StoreFlatDo
decide(const StoreClaimed *claimed, const char *id, StoreFlatFacts *facts)
{
    StoreFlatDo what;

    facts->has_parent = true;
    what = store_flat_verdict(facts);
    if (what == STORE_FLAT_CALL_BACK) {
        StoreCancel cancel = store_flatten_cancel(claimed->conn, claimed->pool,
                                                  claimed->volume, id);

        facts->asked = true;
        facts->none = cancel == STORE_CANCEL_NONE;
        facts->barred = cancel == STORE_CANCEL_BARRED;
    }
    if (what != STORE_FLAT_GOES_ON)
        look_again(claimed, facts);
    return store_flat_verdict(facts);
}

/* One that is only being made goes then, whoever goes on. */
static gboolean
refuse_cancelled(const StoreClaimed *claimed, StoreFlatDo what, GError **error)
{
    if (what == STORE_FLAT_FORGET || claimed->keeps)
        return store_refuse(error, STORE_ERROR_FAILED,
                            "flattening volume '%s/%s' was cancelled",
                            claimed->pool, claimed->volume);
    return store_refuse(error, STORE_ERROR_FAILED,
                        "flattening volume '%s/%s' was cancelled, but somebody "
                        "may go on: finish it (remora volume flatten --wait "
                        "%s/%s)",
                        claimed->pool, claimed->volume, claimed->pool,
                        claimed->volume);
}

static void
forget(const StoreClaimed *claimed, const GError *why)
{
    if (!store_conn_may_write(claimed->conn, why))
        return;
    store_claimed_forget_flatten(claimed);
    (void)store_own_snap_forget(claimed);
}

static gboolean
carry_out(const StoreClaimed *claimed,
          const Marked *marked,
          StoreFlatWait wait,
          StoreSteps *steps,
          bool *ret_queued,
          GError **error)
{
    bool here = wait == STORE_FLAT_HERE;
    g_autoptr(GError) why = NULL;
    StoreFlatFacts facts = {.end = run(claimed, wait, steps, &why),
                            .to_end = marked->own && !here,
                            .here = here,
                            .was_wanted = marked->was_wanted};
    StoreFlatDo what;

    if (facts.end == STORE_FLAT_END_FLAT)
        return TRUE;
    what = decide(claimed, marked->id, &facts);
    *ret_queued = what == STORE_FLAT_GOES_ON;
    if (what == STORE_FLAT_FINISH) {
        /* It needs nothing of the rest, which may take a while. */
        (void)store_own_snap_let_go_noted(claimed, NULL);
        return do_rest(claimed, NULL, error);
    }
    if (what == STORE_FLAT_FORGET)
        forget(claimed, why);
    if (*ret_queued)
        return TRUE;
    if (!why)
        return refuse_cancelled(claimed, what, error);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

/* ---- all of it -------------------------------------------------------------------------- */

static gboolean
fail(const StoreClaimed *claimed, int r, GError **error)
{
    return store_fail(error, claimed->conn, r, "cannot flatten volume '%s/%s'",
                      claimed->pool, claimed->volume);
}

/* Nobody has begun, unless somebody had before. */
static gboolean
fail_early(const StoreClaimed *claimed,
           const Marked *marked,
           int r,
           GError **error)
{
    g_autoptr(GError) why = NULL;

    (void)fail(claimed, r, &why);
    if (!marked->was_wanted)
        forget(claimed, why);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

gboolean
store_flat(const StoreClaimed *claimed,
           StoreFlatWait wait,
           StoreSteps *steps,
           bool *ret_queued,
           GError **error)
{
    Marked marked = {.was_wanted = true};
    int r = mark(claimed, &marked);

    *ret_queued = false;
    if (r >= 0)
        r = STORE_FAULT("volume-flattening");
    if (r < 0)
        return fail_early(claimed, &marked, r, error);
    if (wait == STORE_FLAT_NO_WAIT && (marked.mapped || marked.own))
        wait = STORE_FLAT_WAIT;
    if (!carry_out(claimed, &marked, wait, steps, ret_queued, error))
        return FALSE;
    r = STORE_FAULT("volume-flattened");
    return r >= 0 || fail(claimed, r, error);
}

gboolean
store_flat_finish(const StoreClaimed *claimed,
                  StoreSteps *steps,
                  GError **error)
{
    return store_own_snap_let_go_noted(claimed, error) &&
           do_rest(claimed, steps, error);
}
