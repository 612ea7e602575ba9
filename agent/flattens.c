/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/flattens.c - disks that are flattened in the background
 *
 * A few at a time: the cluster's own queue has one worker, and the rest of them
 * would only wait there.
 */
#include "config.h"

#include "agent/flattens.h"

#include "agent/log.h"

#define THREADS_MAX 4
/* After a failure, and twice as long after each other one, up to this. */
#define AGAIN_US     (G_GINT64_CONSTANT(60) * G_USEC_PER_SEC)
#define AGAIN_MAX_US (60 * AGAIN_US)
#define STOP_US      (5 * G_USEC_PER_SEC)

struct Flattens {
    GMutex lock;
    GCond ended;
    GHashTable *at; /* 'CLUSTER POOL/IMAGE' -> Job */
    GThreadPool *pool;
    bool stopping;
    FlattensWait on_wait;
    gpointer data;
};

typedef struct {
    Flattens *flattens;
    StoreCluster *cluster; /* a reference */
    char *key;
    char *pool;
    char *image;
    char *full; /* 'pool/image' */
    char *domain;
    /* Under the lock: */
    bool going; /* it is marked, and at work */
    bool by_manager;
    double share;
    bool waits; /* until due_us, and no thread has it */
    gint64 due_us;
    guint failures;
} Job;

static void
job_free(Job *job)
{
    store_cluster_unref(job->cluster);
    g_free(job->key);
    g_free(job->pool);
    g_free(job->image);
    g_free(job->full);
    g_free(job->domain);
    g_free(job);
}

static LogAbout
about_job(const Job *job)
{
    return (LogAbout){.domain = job->domain, .image = job->full};
}

static bool
is_stopping(Flattens *flattens)
{
    bool stopping;

    g_mutex_lock(&flattens->lock);
    stopping = flattens->stopping;
    g_mutex_unlock(&flattens->lock);
    return stopping;
}

static bool
on_stopped(gpointer data)
{
    const Job *job = data;

    return is_stopping(job->flattens);
}

static void
on_progress(double share, bool by_manager, gpointer data)
{
    Job *job = data;

    g_mutex_lock(&job->flattens->lock);
    job->going = true;
    job->by_manager = by_manager;
    job->share = share;
    g_mutex_unlock(&job->flattens->lock);
}

static void
on_say(const char *text, gpointer data)
{
    const LogAbout about = about_job(data);

    log_info(&about, "has too many parents, or is to have none: %s", text);
}

static void
log_end(const Job *job, StoreFlattenEnd end)
{
    const LogAbout about = about_job(job);

    if (end == STORE_FLATTENED)
        log_info(&about, "is flattened");
    else if (end == STORE_FLATTEN_LEFT)
        log_warning(&about, "its task was cancelled in the cluster's queue: it "
                            "is flattened after its domain's next start, or "
                            "that of remorad");
}

/* Whether there is nothing more to try. */
static bool
try_once(Job *job)
{
    const StoreFlattenHow how = {.progress = on_progress,
                                 .say = on_say,
                                 .stopped = on_stopped,
                                 .data = job};
    const LogAbout about = about_job(job);
    StoreFlattenEnd end = STORE_FLATTEN_NOT_WANTED;
    g_autoptr(GError) error = NULL;

    if (store_flatten(job->cluster, job->pool, job->image, &how, &end,
                      &error)) {
        log_end(job, end);
        return true;
    }
    if (g_error_matches(error, STORE_ERROR, STORE_ERROR_MISSING))
        return true;
    log_warning(&about, "%s: it is tried again in a while", error->message);
    return false;
}

/* Under the lock. No thread waits for it, for there are few, and others may be of
 * a cluster that answers. */
static void
put_off(Job *job)
{
    gint64 pause_us = AGAIN_US << MIN(job->failures, 6u);

    job->waits = true;
    job->going = false;
    job->due_us = g_get_monotonic_time() + MIN(pause_us, AGAIN_MAX_US);
    job->failures++;
}

/* Takes job over where it is over. */
static void
leave(Flattens *flattens, Job *job, bool over)
{
    g_mutex_lock(&flattens->lock);
    over = over || flattens->stopping;
    if (over)
        (void)g_hash_table_remove(flattens->at, job->key);
    else
        put_off(job);
    g_cond_broadcast(&flattens->ended);
    g_mutex_unlock(&flattens->lock);
    /* It may be the last to hold a cluster, which is not let go under the
     * lock. */
    if (over)
        job_free(job);
    else
        flattens->on_wait(flattens->data);
}

static void
run(gpointer data, gpointer opaque)
{
    Flattens *flattens = opaque;

    leave(flattens, data, is_stopping(flattens) || try_once(data));
}

Flattens *
flattens_new(FlattensWait on_wait, gpointer data)
{
    Flattens *flattens = g_new0(Flattens, 1);

    flattens->on_wait = on_wait;
    flattens->data = data;
    g_mutex_init(&flattens->lock);
    g_cond_init(&flattens->ended);
    flattens->at = g_hash_table_new(g_str_hash, g_str_equal);
    flattens->pool = g_thread_pool_new(run, flattens, THREADS_MAX, FALSE, NULL);
    return flattens;
}

/* All that are left wait. */
static gboolean
let_go(gpointer key, gpointer job, gpointer unused)
{
    (void)key, (void)unused;
    job_free(job);
    return TRUE;
}

void
flattens_free(Flattens *flattens)
{
    g_thread_pool_free(flattens->pool, FALSE, TRUE);
    (void)g_hash_table_foreach_remove(flattens->at, let_go, NULL);
    g_hash_table_unref(flattens->at);
    g_cond_clear(&flattens->ended);
    g_mutex_clear(&flattens->lock);
    g_free(flattens);
}

void
flattens_add(Flattens *flattens,
             Cluster *cluster,
             const char *pool,
             const char *image,
             const char *domain)
{
    Job *job = g_new0(Job, 1);
    bool first;

    job->flattens = flattens;
    job->cluster = store_cluster_ref(cluster_store(cluster));
    job->key = g_strdup_printf("%s %s/%s", cluster_name(cluster), pool, image);
    job->pool = g_strdup(pool);
    job->image = g_strdup(image);
    job->full = g_strdup_printf("%s/%s", pool, image);
    job->domain = g_strdup(domain);
    g_mutex_lock(&flattens->lock);
    first =
        !flattens->stopping && !g_hash_table_contains(flattens->at, job->key);
    if (first)
        (void)g_hash_table_insert(flattens->at, job->key, job);
    g_mutex_unlock(&flattens->lock);
    if (first)
        g_thread_pool_push(flattens->pool, job, NULL);
    else
        job_free(job);
}

bool
flattens_wait(Flattens *flattens)
{
    GHashTableIter iter;
    gpointer value;
    bool waits = false;

    g_mutex_lock(&flattens->lock);
    g_hash_table_iter_init(&iter, flattens->at);
    while (!waits && g_hash_table_iter_next(&iter, NULL, &value))
        waits = ((const Job *)value)->waits;
    g_mutex_unlock(&flattens->lock);
    return waits;
}

void
flattens_again(Flattens *flattens)
{
    gint64 now = g_get_monotonic_time();
    GHashTableIter iter;
    gpointer value;

    g_mutex_lock(&flattens->lock);
    g_hash_table_iter_init(&iter, flattens->at);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Job *job = value;

        if (!job->waits || job->due_us > now)
            continue;
        job->waits = false;
        g_thread_pool_push(flattens->pool, job, NULL);
    }
    g_mutex_unlock(&flattens->lock);
}

json_t *
flattens_json(Flattens *flattens)
{
    json_t *list = json_array();
    GHashTableIter iter;
    gpointer value;

    if (!flattens)
        return list;
    g_mutex_lock(&flattens->lock);
    g_hash_table_iter_init(&iter, flattens->at);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Job *job = value;

        if (job->going)
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:i, s:b}", "image",
                                            job->full, "domain", job->domain,
                                            "percent", (int)(job->share * 100),
                                            "by_cluster", job->by_manager));
    }
    g_mutex_unlock(&flattens->lock);
    return list;
}

/* Under the lock: whether the cluster has nothing to do with it, so that it has
 * a client of its own on a disk. */
static bool
any_here(const Flattens *flattens)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, flattens->at);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Job *job = value;

        if (job->going && !job->by_manager)
            return true;
    }
    return false;
}

void
flattens_stop(Flattens *flattens)
{
    gint64 until = g_get_monotonic_time() + STOP_US;

    g_mutex_lock(&flattens->lock);
    flattens->stopping = true;
    while (any_here(flattens))
        if (!g_cond_wait_until(&flattens->ended, &flattens->lock, until))
            break;
    g_mutex_unlock(&flattens->lock);
}
