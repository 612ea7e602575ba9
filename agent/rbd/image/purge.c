/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/purge.c - what is in the trash long enough is removed
 *
 * librbd notes first that an image is being removed; from then on it cannot be
 * restored, and a removal that was cut short is only to be gone on with. Of two who
 * remove one, one is refused, so that there is nothing to be kept apart here.
 */
#include "config.h"

#include "agent/rbd/image/purge.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/children.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/purge-facts.h"
#include "agent/rbd/image/task-watch.h"

#include <errno.h>

#define LOOK_AGAIN_US (G_USEC_PER_SEC / 2)
/* So long a manager that hangs may be a watcher. */
#define WATCH_US (60 * G_USEC_PER_SEC)

typedef struct {
    StoreCluster *cluster;
    const char *pool;
    const StorePurgeHow *how;
    StoreConn *conn; /* a reference */
    StoreIo io;
    StoreTaskWatch watch;
    guint64 done; /* bytes, as is the next */
    guint64 total;
    bool no_mgr; /* it could not be asked once: that may take its time */
    bool cancelled;
} Purge;

/* One image, while it is worked on. */
typedef struct {
    StorePurged *purged;
    bool asked;        /* the manager was, just now */
    bool queued;       /* the manager was given it */
    bool here;         /* the manager is asked no more */
    gint64 refused_us; /* since when it is said to be open, after that */
} Job;

static void
purge_clear(Purge *purge)
{
    store_ioctx_clear(&purge->io);
    store_conn_unref(purge->conn);
    store_task_watch_clear(&purge->watch);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Purge, purge_clear)

void
store_purged_free(StorePurged *purged)
{
    if (!purged)
        return;
    store_trashed_free(purged->trashed);
    g_free(purged->why);
    g_free(purged);
}

/* ---- how it ends ------------------------------------------------------------- */

/* Takes why over. */
static void
end(StorePurged *purged, StorePurgeEnd how, char *why)
{
    g_free(purged->why);
    purged->why = why;
    purged->end = how;
}

static void
end_failed(const Purge *purge, StorePurged *purged, int r)
{
    g_autoptr(GError) error = NULL;

    store_fail(&error, purge->conn, r, "cannot remove it");
    end(purged, STORE_PURGE_FAILED, g_strdup(error->message));
}

static void
show(Purge *purge, const StorePurged *purged, double share)
{
    guint64 more =
        (guint64)(CLAMP(share, 0, 1) * (double)purged->trashed->size);

    if (purge->how->progress &&
        !purge->how->progress(purge->done + more, purge->total,
                              purge->how->data))
        purge->cancelled = true;
}

/* Where nothing is shown, too. */
static bool
is_cancelled(Purge *purge)
{
    if (purge->how->stopped && purge->how->stopped())
        purge->cancelled = true;
    return purge->cancelled;
}

/* It is in the trash no more. */
static void
end_missing(const Purge *purge, StorePurged *purged)
{
    g_auto(StoreHandle) handle = NULL;
    int r =
        rbd_open_by_id_read_only(purge->io, purged->trashed->id, &handle, NULL);

    if (r >= 0)
        end(purged, STORE_PURGE_LEFT, g_strdup("it was restored"));
    else if (r == -ENOENT)
        end(purged, STORE_PURGE_GONE, NULL);
    else
        end_failed(purge, purged, r);
}

/* ---- may it go? ---------------------------------------------------------------- */

static void
keep_clones(StorePurged *purged, const GPtrArray *children)
{
    g_autofree char *clones = store_children_text(children, 0);

    end(purged, STORE_PURGE_LEFT,
        g_strdup_printf("its clones need it: %s", clones));
}

static void
keep(const Purge *purge,
     StorePurged *purged,
     StorePurgeDo what,
     const StorePurgeSeen *seen)
{
    char *const *watchers = seen->watchers;

    switch (what) {
    case STORE_PURGE_GO:
        break;
    case STORE_PURGE_KEEP_CLONES:
        keep_clones(purged, seen->children);
        break;
    case STORE_PURGE_KEEP_SNAPSHOTS:
        end(purged, STORE_PURGE_LEFT,
            g_strdup_printf("it has snapshots: restore it (rbd trash restore "
                            "%s/%s) and look whether they may go",
                            purge->pool, purged->trashed->id));
        break;
    case STORE_PURGE_KEEP_WATCHED:
        end(purged, STORE_PURGE_LEFT,
            g_strdup_printf("it is open for writing by client '%s': stop that "
                            "first; if it is dead, its watch ends within 60 s",
                            watchers && watchers[0] ? watchers[0] : "?"));
        break;
    }
}

/* ---- what is behind it ----------------------------------------------------------- */

static void
forget_behind(const Purge *purge, StorePurged *purged)
{
    if (purged->behind)
        purge->how->behind->free(purged->behind);
    purged->behind = NULL;
}

static bool
read_behind(const Purge *purge, rbd_image_t handle, StorePurged *purged)
{
    const StorePurgeBehind *behind = purge->how->behind;
    g_autoptr(GError) error = NULL;

    forget_behind(purge, purged);
    if (behind)
        purged->behind =
            behind->read(purge->conn, handle, purged->trashed, &error);
    if (error)
        end(purged, STORE_PURGE_FAILED, g_strdup(error->message));
    return !error;
}

static void
let_go_behind(const Purge *purge, StorePurged *purged)
{
    char *why = purged->behind
                    ? purge->how->behind->gone(purge->conn, purged->behind)
                    : NULL;

    forget_behind(purge, purged);
    purged->leaves = why != NULL;
    end(purged, STORE_PURGE_GONE, why);
}

/* ---- what would happen ------------------------------------------------------------- */

/* As one that is gone, for what it hangs from. */
static void
would_go(const Purge *purge, StorePurged *purged, const GPtrArray *children)
{
    GHashTable *first = purge->how->first;
    g_autofree char *clones = store_children_text(children, 0);

    end(purged, STORE_PURGE_DUE, NULL);
    if (children->len > 0)
        end(purged, STORE_PURGE_PENDING,
            g_strdup_printf("its clones go first: %s", clones));
    if (!first)
        return;
    g_hash_table_add(first, store_purge_key(rados_ioctx_get_id(purge->io), "",
                                            purged->trashed->id));
    if (purged->behind)
        g_hash_table_add(first, purge->how->behind->key(purged->behind));
}

/* ---- is it to be begun? ------------------------------------------------------------ */

/* One without a header is what a removal that was cut short has left. */
static bool
may_go(const Purge *purge, StorePurged *purged)
{
    g_auto(StorePurgeSeen) seen = {0};
    g_auto(StoreHandle) handle = NULL;
    StorePurgeDo what;
    int r =
        rbd_open_by_id_read_only(purge->io, purged->trashed->id, &handle, NULL);

    if (r == -ENOENT)
        return true;
    if (r >= 0)
        r = store_purge_facts_read(purge->conn, purge->io, handle,
                                   purge->how->first, &seen);
    if (r < 0) {
        end_failed(purge, purged, r);
        return false;
    }
    seen.facts.task = purge->watch.says == STORE_MGR_TASK;
    what = store_purge_verdict(&seen.facts);
    keep(purge, purged, what, &seen);
    if (what != STORE_PURGE_GO || !read_behind(purge, handle, purged))
        return false;
    if (purge->how->dry_run)
        would_go(purge, purged, seen.children);
    return true;
}

/* ---- here ----------------------------------------------------------------------- */

typedef struct {
    Purge *purge;
    const StorePurged *purged;
} Steps;

static int
on_progress(uint64_t offset, uint64_t total, void *opaque)
{
    const Steps *steps = opaque;
    int r = STORE_FAULT("purge-progress");

    if (r < 0)
        return r;
    if (total > 0)
        show(steps->purge, steps->purged, (double)offset / (double)total);
    return steps->purge->cancelled ? -ECANCELED : 0;
}

static int
remove_it(Purge *purge, const StorePurged *purged)
{
    Steps steps = {purge, purged};
    int r = STORE_FAULT("purging");

    if (r >= 0)
        r = rbd_trash_remove_with_progress(purge->io, purged->trashed->id,
                                           false, on_progress, &steps);
    return r >= 0 ? STORE_FAULT("purged") : r;
}

/* The manager, which was given it and hangs, may have it open yet. */
static bool
is_let_go(Job *job)
{
    gint64 now = g_get_monotonic_time();

    if (job->refused_us == 0)
        job->refused_us = now;
    return !job->queued || now - job->refused_us > WATCH_US;
}

/* The manager is asked no more. */
static void
take_over(Purge *purge, Job *job)
{
    job->here = true;
    if (purge->watch.says != STORE_MGR_TASK)
        return;
    job->queued = true;
    (void)store_task_cancel(purge->cluster, purge->watch.task.id);
}

static void
do_here(Purge *purge, Job *job)
{
    StorePurged *purged = job->purged;
    int r;

    if (!job->here)
        take_over(purge, job);
    r = remove_it(purge, purged);
    if (r >= 0)
        end(purged, STORE_PURGE_GONE, NULL);
    else if (r == -ENOENT)
        end_missing(purge, purged);
    else if (purge->cancelled)
        end(purged, STORE_PURGE_FAILED, g_strdup("it was cancelled"));
    else if (r != -EBUSY)
        end_failed(purge, purged, r);
    else if (is_let_go(job))
        end(purged, STORE_PURGE_LEFT,
            g_strdup("it is open for writing: stop who has it open; if that is "
                     "dead, its watch ends within 60 s"));
}

/* ---- one of them ------------------------------------------------------------------ */

/* Before the trash is looked at, so that of a task that is gone the image is, too. */
static void
ask(Purge *purge, const Job *job)
{
    if (job->here || purge->no_mgr)
        return;
    store_task_watch_ask(&purge->watch, purge->cluster, STORE_TASK_TRASH_REMOVE,
                         purge->pool, job->purged->trashed->id);
    purge->no_mgr = purge->watch.says == STORE_MGR_CANNOT;
    if (purge->watch.task.id)
        show(purge, job->purged, purge->watch.task.progress);
}

static int
look(const Purge *purge, const StorePurged *purged)
{
    rbd_trash_image_info_t info = {0};
    int r = rbd_trash_get(purge->io, purged->trashed->id, &info);

    if (r >= 0)
        rbd_trash_get_cleanup(&info);
    return r;
}

static void
give(const Purge *purge, Job *job)
{
    int r = STORE_FAULT("purge-queueing");

    if (r >= 0)
        r = store_task_add(purge->cluster, STORE_TASK_TRASH_REMOVE, purge->pool,
                           job->purged->trashed->id);
    job->queued = r >= 0;
    job->here = r < 0;
    if (r >= 0)
        (void)STORE_FAULT("purge-queued");
}

static void
act(Purge *purge, Job *job)
{
    const StoreTaskFacts facts = {
        .mgr = job->here ? STORE_MGR_CANNOT : purge->watch.says,
        .queued = job->queued,
        .still = purge->watch.still,
    };

    switch (store_task_verdict(&facts)) {
    case STORE_TASK_ASK:
        break;
    case STORE_TASK_WAIT:
        job->queued = true;
        break;
    case STORE_TASK_QUEUE:
        give(purge, job);
        break;
    case STORE_TASK_HERE:
        do_here(purge, job);
        break;
    case STORE_TASK_LEAVE:
        end(job->purged, STORE_PURGE_FAILED,
            g_strdup("it was taken out of the cluster's task queue"));
        break;
    }
}

static void
step(Purge *purge, Job *job)
{
    StorePurged *purged = job->purged;
    int r;

    if (!job->asked)
        ask(purge, job);
    job->asked = false;
    r = look(purge, purged);
    if (r == -ENOENT)
        end_missing(purge, purged);
    else if (r < 0)
        end_failed(purge, purged, r);
    else
        act(purge, job);
}

/* As far as it has to be waited for: one that the manager has goes on without us.
 * Who does not wait has just asked, and the whole queue is read each time. */
static void
run(Purge *purge, Job job, bool wait)
{
    StorePurged *purged = job.purged;

    purged->end = STORE_PURGE_DUE;
    while (purged->end == STORE_PURGE_DUE) {
        bool waits;

        step(purge, &job);
        if (purged->end != STORE_PURGE_DUE)
            break;
        (void)is_cancelled(purge);
        waits = job.queued && (!job.here || job.refused_us > 0);
        if (job.queued && !job.here && (!wait || purge->cancelled))
            end(purged, STORE_PURGE_QUEUED, NULL);
        else if (purge->cancelled)
            end(purged, STORE_PURGE_FAILED, g_strdup("it was cancelled"));
        else if (waits)
            g_usleep(LOOK_AGAIN_US);
    }
    if (purged->end != STORE_PURGE_GONE)
        return;
    purge->done += purged->trashed->size;
    let_go_behind(purge, purged);
}

/* ---- all of them ------------------------------------------------------------------- */

/* One on whose connection nothing more is begun. */
static bool
is_over(Purge *purge)
{
    return is_cancelled(purge) || store_conn_is_aside(purge->conn) ||
           store_conn_is_retired(purge->conn);
}

/* Gives whether it has gone, or would have. */
static bool
begin_one(Purge *purge, StorePurged *purged)
{
    Job job = {.purged = purged};

    end(purged, STORE_PURGE_DUE, NULL);
    ask(purge, &job);
    if (!may_go(purge, purged))
        return false;
    if (purge->how->dry_run)
        return true;
    job.asked = true;
    /* One that was restored meanwhile keeps what is behind it. */
    if (purged->behind && look(purge, purged) >= 0 &&
        !purge->how->behind->going(purge->conn, purged->behind))
        take_over(purge, &job);
    purge->total += purged->trashed->size;
    run(purge, job, false);
    return purged->end == STORE_PURGE_GONE;
}

static bool
wait_for_one(Purge *purge, StorePurged *purged)
{
    const Job job = {.purged = purged, .queued = true};

    run(purge, job, true);
    return purged->end == STORE_PURGE_GONE;
}

/* All are begun first, so that the manager goes on with them if nobody waits any
 * more. first: nothing was done yet. Gives how many have gone. */
static guint
round_of(Purge *purge, GPtrArray *all, bool first)
{
    guint gone = 0;

    for (guint i = 0; i < all->len && !is_over(purge); i++) {
        StorePurged *purged = g_ptr_array_index(all, i);

        if ((first && purged->end == STORE_PURGE_DUE) ||
            purged->end == STORE_PURGE_LEFT)
            gone += begin_one(purge, purged) ? 1 : 0;
    }
    for (guint i = 0; i < all->len && purge->how->wait && !is_over(purge);
         i++) {
        StorePurged *purged = g_ptr_array_index(all, i);

        if (purged->end == STORE_PURGE_QUEUED)
            gone += wait_for_one(purge, purged) ? 1 : 0;
    }
    return gone;
}

static GPtrArray *
find(const Purge *purge, GError **error)
{
    g_autoptr(GPtrArray) due = store_trash_list_all(
        purge->cluster, purge->pool, true, purge->how->stopped, error);
    GPtrArray *all;

    if (!due)
        return NULL;
    all = g_ptr_array_new_with_free_func((GDestroyNotify)store_purged_free);
    while (due->len > 0) {
        StorePurged *purged = g_new0(StorePurged, 1);

        /* The newest first: a clone before what it hangs from. */
        purged->trashed = g_ptr_array_steal_index(due, 0);
        g_ptr_array_add(all, purged);
    }
    return all;
}

/* What only its clones have kept may go once they are gone. */
GPtrArray *
store_trash_purge(StoreCluster *cluster,
                  const char *pool,
                  const StorePurgeHow *how,
                  GError **error)
{
    g_auto(Purge) purge = {.cluster = cluster, .pool = pool, .how = how};
    g_autoptr(GPtrArray) all = NULL;
    guint gone;

    store_conn_will_unprotect(cluster);
    purge.conn = store_conn_acquire(cluster, error);
    if (purge.conn && store_ioctx(purge.conn, pool, &purge.io, error))
        all = find(&purge, error);
    if (!all)
        return NULL;
    /* On a full pool, too: it frees space. */
    rados_set_pool_full_try(purge.io);
    gone = round_of(&purge, all, true);
    while (gone > 0 && !is_over(&purge))
        gone = round_of(&purge, all, false);
    for (guint i = 0; i < all->len; i++)
        forget_behind(&purge, g_ptr_array_index(all, i));
    return g_steal_pointer(&all);
}
