/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/flatten.c - a disk gets a copy of what it shares with its parents
 *
 * librbd copies an object only if the disk has none, in one operation, so that a
 * guest may write at the same time, and a flatten that was cut short is gone on
 * with. Where the disk has an exclusive lock that the guest holds, librbd has the
 * guest's own process do it.
 *
 * Where it has none, whoever flattens writes by himself, and goes on for a while
 * with what he read when somebody else has come to the end. Then there is no
 * parent any more, so that an object that the guest discards is removed, and he
 * would fill it again. So nobody begins there before who was at it has left off, or
 * was cut off; the mark, changed only as it was read, says who that is.
 *
 * With an object map nobody begins at all (../image/map.c).
 */
#include "config.h"

#include "agent/rbd/disk/flatten.h"

#include "agent/rbd/claim/claim.h"
#include "agent/rbd/claim/object.h"
#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/fence.h"
#include "agent/rbd/conn/own-dir.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/flatten-facts.h"
#include "agent/rbd/disk/flatten-mark.h"
#include "agent/rbd/disk/flatten-verdict.h"
#include "agent/rbd/image/flattening.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/map.h"
#include "agent/rbd/image/task-watch.h"
#include "agent/rbd/image/watchers.h"

#include <errno.h>
#include <string.h>

#define LOOK_AGAIN_US (1 * G_USEC_PER_SEC)
/* Of a task that has begun it is known soon whose watch is the manager's. */
#define TELL_US      (5 * G_USEC_PER_SEC)
#define ASK_AGAIN_US (G_USEC_PER_SEC / 4)
/* A task that gets on does so within a moment. */
#define MOVE_TIMES 20
#define MOVE_US    (G_USEC_PER_SEC / 20)
/* So long it may take to close a disk that it has flattened. */
#define LINGER_US (60 * G_USEC_PER_SEC)

typedef struct {
    StoreCluster *cluster;
    const char *pool;
    const char *image;
    const StoreFlattenHow *how;
    StoreConn *conn; /* a reference */
    char id[128];
    StoreFlattenMark mark;
    char **watchers;
    StoreTaskWatch watch;
    gint64 flat_us; /* since when it has no parent, as far as is known */
    bool tried;     /* here, to the end */
    StoreFlattenFacts facts;
} Flatten;

static void
flatten_clear(Flatten *flatten)
{
    store_conn_unref(flatten->conn);
    store_flatten_mark_clear(&flatten->mark);
    g_clear_pointer(&flatten->watchers, g_strfreev);
    store_task_watch_clear(&flatten->watch);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Flatten, flatten_clear)

static void
say(const Flatten *flatten, const char *text)
{
    if (flatten->how->say)
        flatten->how->say(text, flatten->how->data);
}

static bool
is_stopped(const Flatten *flatten)
{
    return flatten->how->stopped && flatten->how->stopped(flatten->how->data);
}

static gboolean
fail(const Flatten *flatten, const char *what, int r, GError **error)
{
    return store_fail(error, flatten->conn, r, "cannot %s '%s/%s'", what,
                      flatten->pool, flatten->image);
}

/* On a full pool writes fail then, instead of being waited for. */
static void
let_fail(const Flatten *flatten, rados_ioctx_t io)
{
    if (flatten->how->full_try)
        rados_set_pool_full_try(io);
}

/* ---- the facts -------------------------------------------------------------------- */

static bool
is_watcher(const Flatten *flatten, const char *addr)
{
    return addr &&
           g_strv_contains((const char *const *)flatten->watchers, addr);
}

/* Of who the mark names. */
static StoreInstanceState
former(const Flatten *flatten)
{
    int handed_s;

    return store_instance_look(store_own_dir(flatten->cluster),
                               flatten->mark.instance, flatten->pool,
                               flatten->image, &handed_s);
}

/* Whether another process of remora's is at it, on whatever host. One that is
 * gone without a word is a watcher for half a minute yet. */
static bool
others_are_at_it(const Flatten *flatten)
{
    const StoreFlattenMark *mark = &flatten->mark;

    return mark->instance &&
           strcmp(mark->instance, flatten->conn->instance) != 0 &&
           is_watcher(flatten, mark->by) &&
           former(flatten) != STORE_INSTANCE_DEAD;
}

/* Its mark says whose watch that is, and would be missed. */
static bool
lingers(Flatten *flatten)
{
    gint64 now = g_get_monotonic_time();

    if (flatten->facts.has_parent || !is_watcher(flatten, flatten->mark.mgr))
        return false;
    if (flatten->flat_us == 0)
        flatten->flat_us = now;
    return now - flatten->flat_us < LINGER_US;
}

static int
read_all(Flatten *flatten, rbd_image_t handle)
{
    bool crowded = false;
    int r = rbd_get_id(handle, flatten->id, sizeof(flatten->id));

    store_flatten_mark_clear(&flatten->mark);
    g_clear_pointer(&flatten->watchers, g_strfreev);
    if (r >= 0)
        r = store_flatten_mark_read(handle, flatten->id, &flatten->mark);
    if (r >= 0)
        r = store_watchers_read(handle, &flatten->watchers, &crowded);
    return r >= 0 ? store_flatten_facts_read(handle, &flatten->facts) : r;
}

static gboolean
look(Flatten *flatten, GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    int r;

    g_clear_pointer(&flatten->conn, store_conn_unref);
    flatten->conn = store_conn_acquire(flatten->cluster, error);
    if (!flatten->conn ||
        !store_ioctx(flatten->conn, flatten->pool, &io, error))
        return FALSE;
    r = rbd_open_read_only(io, flatten->image, &handle, NULL);
    if (r >= 0)
        r = read_all(flatten, handle);
    if (r < 0)
        return fail(flatten, "flatten", r, error);
    flatten->facts.wanted = flatten->mark.wanted || flatten->how->any;
    flatten->facts.others = others_are_at_it(flatten);
    flatten->facts.mgr_named = flatten->mark.mgr != NULL;
    flatten->facts.mgr_watches = is_watcher(flatten, flatten->mark.mgr);
    flatten->facts.lingers = lingers(flatten);
    return TRUE;
}

static void
ask_manager(Flatten *flatten)
{
    StoreTaskWatch *watch = &flatten->watch;

    store_task_watch_ask(watch, flatten->cluster, STORE_TASK_FLATTEN,
                         flatten->pool, flatten->id);
    flatten->facts.mgr = watch->says;
    flatten->facts.still = watch->still;
    if (watch->task.id && flatten->how->progress)
        flatten->how->progress(watch->task.progress, true, flatten->how->data);
}

/* ---- the manager's watch -------------------------------------------------------------- */

/* Whom the claim on the disk names. */
static bool
is_claims(const Flatten *flatten, const char *addr)
{
    g_auto(StoreClaimSeen) seen = {0};

    return store_claim_read(flatten->conn, flatten->pool, flatten->image,
                            &seen) >= 0 &&
           g_strcmp0(seen.record->who.addr, addr) == 0;
}

/* The only watcher that nothing else accounts for; NULL: there is none, or more
 * than one. */
static const char *
only_other_watcher(const Flatten *flatten)
{
    const char *only = NULL;

    for (gsize i = 0; flatten->watchers[i]; i++) {
        const char *addr = flatten->watchers[i];

        if (strcmp(addr, flatten->conn->addr) == 0 ||
            g_strcmp0(flatten->mark.by, addr) == 0 || is_claims(flatten, addr))
            continue;
        if (only)
            return NULL;
        only = addr;
    }
    return only;
}

static int
change_mark(const Flatten *flatten, const StoreFlattenMark *to)
{
    g_auto(StoreIo) io = NULL;
    int r = rados_ioctx_create(flatten->conn->rados, flatten->pool, &io);

    if (r < 0)
        return r;
    let_fail(flatten, io);
    return store_flatten_mark_change(io, flatten->id, &flatten->mark, to);
}

static bool
is_at(const Flatten *flatten, const char *id)
{
    return flatten->watch.task.at_work &&
           g_strcmp0(flatten->watch.task.id, id) == 0;
}

/* It says that it is at work before it has the disk open once more, after a
 * failure, and for a moment after it has closed it; but it copies in between. */
static bool
copies_on(Flatten *flatten, const char *id)
{
    double was = flatten->watch.task.progress;

    for (int i = 0; i < MOVE_TIMES; i++) {
        ask_manager(flatten);
        if (!is_at(flatten, id) || flatten->watch.task.progress < was)
            return false;
        if (flatten->watch.task.progress > was)
            return true;
        g_usleep(MOVE_US);
    }
    return false;
}

/* Its address can be asked of nobody. But as long as it copies it is among the
 * watchers: if it does so before and after these are read, the only one that is
 * not accounted for is the manager. After ask_manager(). */
static void
note_manager(Flatten *flatten)
{
    g_autofree char *id = g_strdup(flatten->watch.task.id);
    StoreFlattenMark mark;

    if (!flatten->watch.task.at_work || !copies_on(flatten, id) ||
        !look(flatten, NULL))
        return;
    mark = flatten->mark;
    mark.mgr = (char *)only_other_watcher(flatten);
    if (!mark.mgr || store_flatten_mark_names(&flatten->mark, mark.mgr))
        return;
    ask_manager(flatten);
    if (is_at(flatten, id) && copies_on(flatten, id))
        (void)change_mark(flatten, &mark);
}

/* ---- here ------------------------------------------------------------------------------ */

static int
on_progress(uint64_t offset, uint64_t total, void *opaque)
{
    const Flatten *flatten = opaque;
    int r = STORE_FAULT("flatten-progress");

    if (r < 0)
        return r;
    if (flatten->how->progress && total > 0)
        flatten->how->progress((double)offset / (double)total, false,
                               flatten->how->data);
    return is_stopped(flatten) ? -ECANCELED : 0;
}

/* A guest that wants to write waits for the lock of who is dead as long as that
 * one is a watcher. Without a lock, who was at it may still write, watcher or not,
 * unless he lives here: then he has closed it. */
static gboolean
cut_off_former(const Flatten *flatten, GError **error)
{
    const StoreFlattenMark *mark = &flatten->mark;
    bool lockless = flatten->facts.lockless;

    if (!mark->instance || strcmp(mark->by, flatten->conn->addr) == 0)
        return TRUE;
    switch (former(flatten)) {
    case STORE_INSTANCE_LIVE:
        break;
    case STORE_INSTANCE_DEAD:
        return (!lockless && !is_watcher(flatten, mark->by)) ||
               store_fence(flatten->conn, mark->by, 0, error);
    case STORE_INSTANCE_UNKNOWN:
        return !lockless ||
               store_fence(flatten->conn, mark->by, STORE_CUT_OFF_S, error);
    }
    return TRUE;
}

/* What it said of its tasks holds no more, then. */
static void
cancel_task(Flatten *flatten)
{
    StoreFlattenFacts *facts = &flatten->facts;

    if (facts->mgr == STORE_MGR_TASK &&
        store_task_cancel(flatten->cluster, flatten->watch.task.id) >= 0)
        store_flatten_cancelled(facts);
}

/* Nothing of it is on its way any more: who comes next need not cut us off. */
static void
leave_off(Flatten *flatten, const StoreFlattenMark *mine)
{
    const StoreFlattenMark nobody = {.wanted = true, .mgr = mine->mgr};

    g_free(flatten->mark.text);
    flatten->mark.text = store_flatten_mark_new(flatten->id, mine);
    (void)change_mark(flatten, &nobody);
}

static int
flatten_named(Flatten *flatten, rados_ioctx_t io)
{
    StoreHandle handle = NULL;
    int r = rbd_open(io, flatten->image, &handle, NULL);
    int closed;

    if (r < 0)
        return r;
    r = rbd_flatten_with_progress(handle, on_progress, flatten);
    closed = store_close(handle);
    /* Somebody else was faster, or librbd has run out of parents. */
    if (r >= 0 || r == -EINVAL)
        r = closed;
    /* It says that it has done it, and the parent is there. */
    if (r >= 0 && flatten->tried)
        r = -EIO;
    flatten->tried = r >= 0;
    return r;
}

static int
map_off(Flatten *flatten, rados_ioctx_t io)
{
    return store_map_off(io, flatten->image);
}

static int
map_on(Flatten *flatten, rados_ioctx_t io)
{
    return store_map_on(io, flatten->image, flatten->how->stopped,
                        flatten->how->data);
}

/* The mark names us before we are a watcher. */
static gboolean
do_named(Flatten *flatten,
         int (*work)(Flatten *flatten, rados_ioctx_t io),
         const char *what,
         GError **error)
{
    const StoreConn *conn = flatten->conn;
    const StoreFlattenMark mine = {.wanted = true,
                                   .by = conn->addr,
                                   .instance = (char *)conn->instance,
                                   .mgr = flatten->mark.mgr};
    g_auto(StoreIo) io = NULL;
    int r;

    if (!cut_off_former(flatten, error) ||
        !store_ioctx(flatten->conn, flatten->pool, &io, error))
        return FALSE;
    let_fail(flatten, io);
    cancel_task(flatten);
    r = change_mark(flatten, &mine);
    if (r == -ECANCELED)
        return TRUE; /* it says something else by now: it is looked at again */
    if (r >= 0)
        r = work(flatten, io);
    if (r != -ESHUTDOWN && r != -ETIMEDOUT)
        leave_off(flatten, &mine);
    return r >= 0 || is_stopped(flatten) || fail(flatten, what, r, error);
}

/* ---- all of it ------------------------------------------------------------------------- */

static gboolean
finish(Flatten *flatten, GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    int r;

    /* Whoever meets it next takes the mark of a manager that hangs away. */
    if (!flatten->mark.wanted || is_watcher(flatten, flatten->mark.mgr))
        return TRUE;
    if (!store_ioctx(flatten->conn, flatten->pool, &io, error))
        return FALSE;
    let_fail(flatten, io);
    r = rbd_open(io, flatten->image, &handle, NULL);
    if (r >= 0)
        r = store_flatten_mark_remove(handle);
    return r >= 0 || fail(flatten, "flatten", r, error);
}

static void
queue(Flatten *flatten)
{
    if (store_task_add(flatten->cluster, STORE_TASK_FLATTEN, flatten->pool,
                       flatten->image) < 0) {
        flatten->facts.here = true;
        return;
    }
    flatten->facts.queued = true;
    flatten->facts.mgr = STORE_MGR_NOT_ASKED;
    say(flatten, "the cluster's task queue flattens it");
}

/* ret_over: *ret_end says how. */
static gboolean
act(Flatten *flatten,
    StoreFlattenDo what,
    bool *ret_over,
    StoreFlattenEnd *ret_end,
    GError **error)
{
    *ret_over = what == STORE_FLATTEN_DONE || what == STORE_FLATTEN_NOTHING ||
                what == STORE_FLATTEN_LEAVE;
    switch (what) {
    case STORE_FLATTEN_DONE:
        *ret_end =
            flatten->facts.wanted ? STORE_FLATTENED : STORE_FLATTEN_NOT_WANTED;
        return finish(flatten, error);
    case STORE_FLATTEN_NOTHING:
        *ret_end = STORE_FLATTEN_NOT_WANTED;
        return TRUE;
    case STORE_FLATTEN_LEAVE:
        *ret_end = STORE_FLATTEN_LEFT;
        return TRUE;
    case STORE_FLATTEN_ASK:
    case STORE_FLATTEN_WAIT:
        break;
    case STORE_FLATTEN_QUEUE:
        queue(flatten);
        break;
    case STORE_FLATTEN_HERE:
        say(flatten, store_flatten_why_here(&flatten->facts));
        flatten->facts.here = true;
        return do_named(flatten, flatten_named, "flatten", error);
    case STORE_FLATTEN_MAP_OFF:
        flatten->facts.queued = false;
        return do_named(flatten, map_off, "turn off the object map of", error);
    case STORE_FLATTEN_MAP_ON:
        return do_named(flatten, map_on, "rebuild the object map of", error);
    }
    return TRUE;
}

static bool
may_end(const Flatten *flatten, StoreFlattenEnd *ret_end)
{
    bool stopped = is_stopped(flatten);
    bool goes_on = store_flatten_goes_on(&flatten->facts);

    *ret_end = goes_on ? STORE_FLATTEN_QUEUED : STORE_FLATTEN_STOPPED;
    return stopped || (goes_on && flatten->how->no_wait);
}

/* Before the image is looked at, so that a task that is gone has left its mark
 * there. */
static void
ask_if_needed(Flatten *flatten)
{
    bool wants = !flatten->facts.here || flatten->facts.lockless;

    if (flatten->id[0] && flatten->facts.wanted && wants)
        ask_manager(flatten);
}

gboolean
store_flatten(StoreCluster *cluster,
              const char *pool,
              const char *image,
              const StoreFlattenHow *how,
              StoreFlattenEnd *ret_end,
              GError **error)
{
    g_auto(Flatten) flatten = {
        .cluster = cluster, .pool = pool, .image = image, .how = how};
    bool over = false;

    flatten.facts.here = how->here;
    while (!over) {
        StoreFlattenDo what;

        ask_if_needed(&flatten);
        if (!look(&flatten, error))
            return FALSE;
        what = store_flatten_verdict(&flatten.facts);
        if (what == STORE_FLATTEN_WAIT &&
            !is_watcher(&flatten, flatten.mark.mgr))
            note_manager(&flatten);
        if (!act(&flatten, what, &over, ret_end, error))
            return FALSE;
        over = over || may_end(&flatten, ret_end);
        if (!over && what == STORE_FLATTEN_WAIT)
            g_usleep(LOOK_AGAIN_US);
    }
    return TRUE;
}

bool
store_flattens(StoreCluster *cluster,
               const char *pool,
               const char *image,
               const char *addr)
{
    static const StoreFlattenHow how = {0};
    g_auto(Flatten) flatten = {
        .cluster = cluster, .pool = pool, .image = image, .how = &how};
    gint64 until = g_get_monotonic_time() + TELL_US;

    do {
        if (!look(&flatten, NULL))
            return false;
        if (store_flatten_mark_names(&flatten.mark, addr))
            return true;
        if (!flatten.facts.wanted || !flatten.facts.has_parent)
            return false;
        ask_manager(&flatten);
        if (!flatten.watch.task.id)
            return false;
        note_manager(&flatten);
        g_usleep(ASK_AGAIN_US);
    } while (g_get_monotonic_time() < until);
    return false;
}
