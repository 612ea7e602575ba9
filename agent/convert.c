/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/convert.c - images that cannot be cloned as they are become bases, in the
 * background: which, when, and what becomes of it (convert-one.c: how)
 */
#include "config.h"

#include "agent/convert.h"

#include "agent/convert-one.h"
#include "agent/log.h"
#include "agent/recoveries.h"

/* How many at once, and how many are under way, wait or have failed. */
#define CONVERTS_MAX 2
#define JOBS_MAX     4096u
/* For so long a failure is told, before it is tried again. */
#define FAILED_US (60 * G_USEC_PER_SEC)
/* A cluster that does not answer yet is asked again, for so long. */
#define AGAIN_FOR_US (3600 * (gint64)G_USEC_PER_SEC)

typedef struct {
    char *key;
    Host *host; /* while it waits, a reload gives it another one; jobs_lock */
    guint cluster;
    char *cluster_name;
    guint from;         /* the cluster of the image */
    char *from_name;    /* NULL: it is the same */
    char *image;        /* what messages call it */
    StoreParent parent; /* its strings are the job's */
    char *pool;         /* where the base is to be */
    /* The rest is guarded by jobs_lock. */
    char *disk;   /* the only one that is known to want it, or NULL */
    char *base;   /* NULL: it has not begun */
    guint64 done; /* bytes */
    guint64 total;
    char *failed; /* why; NULL: it is under way */
    gint64 failed_us;
    gint64 since_us; /* when somebody asked for it last */
    gint64 tried_us; /* when it was tried last */
    gint64 group_us; /* and one that needs the same clusters */
    bool late;       /* a cluster did not answer; it is tried again and again */
    bool waits;      /* until then: it is in no worker's hands */
} ConvertJob;

/* ---- which there are ---------------------------------------------------------- */

static GMutex jobs_lock;
static GHashTable *jobs;     /* key -> ConvertJob, which it owns; jobs_lock */
static GThreadPool *workers; /* NULL: nothing is converted here; jobs_lock */
static ConvertWake wake;     /* set once, before there is a job */
static gpointer wake_data;

/* Its host is let go before. */
static void
job_free(gpointer data)
{
    ConvertJob *job = data;

    g_free(job->cluster_name);
    g_free(job->from_name);
    g_free(job->image);
    g_free((char *)job->parent.pool);
    g_free((char *)job->parent.image);
    g_free((char *)job->parent.snap);
    g_free(job->key);
    g_free(job->pool);
    g_free(job->disk);
    g_free(job->base);
    g_free(job->failed);
    g_free(job);
}

static char *
key_of(Host *host, const DomDisk *disk)
{
    g_autofree char *into = host_pool_key(host, disk->cluster, disk->pool);
    g_autofree char *from =
        host_pool_key(host, disk->parent_cluster, disk->parent_pool);

    return g_strdup_printf("%s %s/%s@%s", into, from, disk->parent_image,
                           disk->parent_snap);
}

/* As its cluster calls it, and which that is if there are two. */
static char *
image_text(Host *host, const DomDisk *disk, const char *snap)
{
    bool far = dom_disk_is_copy(disk);

    return g_strdup_printf(
        "%s%s%s/%s%s%s",
        far ? cluster_name(host_cluster_of_image(host, disk)) : "",
        far ? ":" : "", disk->parent_pool, disk->parent_image, snap ? "@" : "",
        snap ? snap : "");
}

static ConvertJob *
job_new(Host *host, const DomDisk *disk)
{
    ConvertJob *job = g_new0(ConvertJob, 1);

    job->key = key_of(host, disk);
    job->host = host_ref(host);
    job->cluster = disk->cluster;
    job->cluster_name = g_strdup(cluster_name(host_cluster_of(host, disk)));
    job->from = disk->parent_cluster;
    if (dom_disk_is_copy(disk))
        job->from_name =
            g_strdup(cluster_name(host_cluster_of_image(host, disk)));
    job->image = image_text(host, disk, disk->parent_snap);
    job->parent =
        (StoreParent){g_strdup(disk->parent_pool), g_strdup(disk->parent_image),
                      g_strdup(disk->parent_snap)};
    job->pool = g_strdup(disk->pool);
    job->disk = g_strdup(disk->image);
    job->since_us = g_get_monotonic_time();
    return job;
}

static gboolean
is_over(gpointer key, gpointer value, gpointer now)
{
    const ConvertJob *job = value;

    (void)key;
    return job->failed && *(gint64 *)now - job->failed_us >= FAILED_US;
}

/* Under the lock. */
static void
hand_out(ConvertJob *job)
{
    job->waits = false;
    (void)g_thread_pool_push(workers, job, NULL);
}

/* Under the lock, for one that waits: the configuration may be another one since.
 * false: one of its clusters is not in it. */
static bool
take_host(ConvertJob *job, Host *host)
{
    const char *from_name = job->from_name ? job->from_name : job->cluster_name;
    guint cluster;
    guint from;

    if (job->host == host)
        return true;
    if (!host_cluster_index(host, job->cluster_name, &cluster) ||
        !host_cluster_index(host, from_name, &from))
        return false;
    host_let_go(job->host);
    job->host = host_ref(host);
    job->cluster = cluster;
    job->from = from;
    return true;
}

/* It waits, or is tried again just now. */
static bool
is_late(const ConvertJob *job)
{
    return job->late && !job->base && !job->failed;
}

static bool
need_the_same(const ConvertJob *job, const ConvertJob *other)
{
    return job->host == other->host && job->cluster == other->cluster &&
           job->from == other->from;
}

/* Under the lock. A cluster that hangs lets each try take its time: what needs it
 * waits with what waits for it, and leaves the workers to others. */
static bool
waits_with_others(ConvertJob *job)
{
    GHashTableIter iter;
    gpointer other;

    if (job->late)
        return false;
    g_hash_table_iter_init(&iter, jobs);
    while (g_hash_table_iter_next(&iter, NULL, &other))
        if (is_late(other) && need_the_same(job, other)) {
            job->waits = job->late = true;
            job->group_us = ((const ConvertJob *)other)->group_us;
            return true;
        }
    return false;
}

/* Under the lock. NULL: nothing is converted here, or too much is. */
static ConvertJob *
find_or_begin(Host *host, const DomDisk *disk)
{
    g_autofree char *key = key_of(host, disk);
    gint64 now = g_get_monotonic_time();
    ConvertJob *job;

    if (!workers)
        return NULL;
    (void)g_hash_table_foreach_remove(jobs, is_over, &now);
    job = g_hash_table_lookup(jobs, key);
    if (job)
        job->since_us = now;
    if (job || g_hash_table_size(jobs) >= JOBS_MAX)
        return job;
    job = job_new(host, disk);
    (void)g_hash_table_insert(jobs, job->key, job);
    hand_out(job);
    return job;
}

/* ---- one of them ---------------------------------------------------------------- */

static StoreCluster *
store_from(const ConvertJob *job)
{
    return cluster_store(host_cluster(job->host, job->from));
}

/* Of a ConvertJob, how far it is: in any thread. */
static void
on_progress(gpointer data, guint64 done)
{
    ConvertJob *job = data;

    g_mutex_lock(&jobs_lock);
    job->done = MAX(job->done, done);
    g_mutex_unlock(&jobs_lock);
}

static gboolean
make(ConvertJob *job,
     StoreCluster *store,
     const StoreOrigin *base,
     GError **error)
{
    const ConvertOne one = {
        .from = store_from(job),
        .from_name = job->from_name,
        .parent = &job->parent,
        .base = base,
        .pool = job->pool,
        .image = job->image,
        .into = job->base,
        .progress = on_progress,
        .data = job,
    };
    g_autofree char *recovered = NULL;
    gboolean done = convert_one(&one, store, &recovered, error);

    if (recovered)
        recoveries_note(&(LogAbout){.image = job->base}, recovered);
    return done;
}

/* The disk that a definition asks for: it needs no image. */
static bool
is_made_already(ConvertJob *job, StoreCluster *store)
{
    g_auto(StoreState) state = {0};
    g_autofree char *disk = NULL;

    g_mutex_lock(&jobs_lock);
    disk = g_strdup(job->disk);
    g_mutex_unlock(&jobs_lock);
    return disk && store_state(store, job->pool, disk, &state, NULL) &&
           state.there;
}

static gboolean
convert(ConvertJob *job, GError **error)
{
    StoreCluster *store = cluster_store(host_cluster(job->host, job->cluster));
    const StoreDisk want = {.parent = job->parent,
                            .from = job->from_name ? store_from(job) : NULL,
                            .pool = job->pool};
    g_auto(StoreOrigin) base = {0};
    g_autoptr(GError) why = NULL;
    gboolean found = store_origin_plan(store, &want, &base, &why);

    if ((found && base.there) || is_made_already(job, store))
        return TRUE;
    if (!found) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    g_mutex_lock(&jobs_lock);
    job->base = g_strdup_printf("%s/%s", job->pool, base.image);
    job->total = base.size;
    g_mutex_unlock(&jobs_lock);
    return make(job, store, &base, error);
}

/* Whether it is about the conversion: who starts is told of the rest. */
static bool
is_told(const ConvertJob *job, const GError *why)
{
    return job->base || g_error_matches(why, STORE_ERROR, STORE_ERROR_REFUSED);
}

/* Under the lock. A cluster did not answer, which an agent that has just started may
 * meet, too. Nobody else would try it before the domain is started, and that start
 * would be refused. */
static bool
is_to_wait(const ConvertJob *job, const GError *why)
{
    return (g_error_matches(why, STORE_ERROR, STORE_ERROR_DOWN) ||
            g_error_matches(why, STORE_ERROR, STORE_ERROR_FENCED) ||
            g_error_matches(why, STORE_ERROR, STORE_ERROR_OTHER_DOWN)) &&
           g_get_monotonic_time() - job->since_us < AGAIN_FOR_US;
}

static void
log_failed(const ConvertJob *job, const GError *why, bool again)
{
    const LogAbout about = {.image = job->base};

    if (!is_told(job, why) && (!job->late || again))
        log_debug(&about, "%s", why->message);
    else if (job->from_name)
        log_warning(&about, "cannot copy %s: %s", job->image, why->message);
    else
        log_warning(&about, "cannot convert %s: %s", job->image, why->message);
}

/* Under the lock. It is behind those that wait for the same, and all of them behind
 * what waits for another cluster. */
static void
wait_for_cluster(ConvertJob *job)
{
    gint64 now = g_get_monotonic_time();
    GHashTableIter iter;
    gpointer other;

    job->tried_us = now;
    g_clear_pointer(&job->base, g_free);
    job->done = job->total = 0;
    job->waits = job->late = true;
    g_hash_table_iter_init(&iter, jobs);
    while (g_hash_table_iter_next(&iter, NULL, &other))
        if (need_the_same(job, other))
            ((ConvertJob *)other)->group_us = now;
}

/* Under the lock. The job may be gone. NULL: it keeps its host. */
static Host *
end_job(ConvertJob *job, const GError *why, bool again)
{
    Host *host = job->host;

    if (again) {
        wait_for_cluster(job);
        return NULL;
    }
    if (why && is_told(job, why)) {
        job->host = NULL;
        job->failed = g_strdup(why->message);
        job->failed_us = g_get_monotonic_time();
    } else {
        (void)g_hash_table_remove(jobs, job->key);
    }
    return host;
}

static void
run_job(gpointer data, gpointer unused)
{
    ConvertJob *job = data;
    g_autoptr(GError) why = NULL;
    Host *host;
    bool late;
    bool again;

    (void)unused;
    g_mutex_lock(&jobs_lock);
    late = waits_with_others(job);
    g_mutex_unlock(&jobs_lock);
    if (late)
        return wake(wake_data);
    (void)convert(job, &why);
    g_mutex_lock(&jobs_lock);
    again = why && is_to_wait(job, why);
    g_mutex_unlock(&jobs_lock);
    if (why)
        log_failed(job, why, again);
    g_mutex_lock(&jobs_lock);
    host = end_job(job, why, again);
    g_mutex_unlock(&jobs_lock);
    /* It may close connections, which takes its time. */
    host_unref(host);
    if (!host)
        wake(wake_data);
}

/* ---- for others -------------------------------------------------------------------- */

void
convert_serve(ConvertWake on_wait, gpointer data)
{
    g_mutex_lock(&jobs_lock);
    wake = on_wait;
    wake_data = data;
    jobs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, job_free);
    workers = g_thread_pool_new(run_job, NULL, CONVERTS_MAX, FALSE, NULL);
    g_mutex_unlock(&jobs_lock);
}

/* An image of the disk's own cluster may turn out to be raw. */
static bool
is_to_begin(Host *host, const DomDisk *disk)
{
    if (disk->kind != DOM_DISK_CLONE || !disk->parent_pool ||
        !host_cluster_of_image(host, disk))
        return false;
    return dom_disk_is_copy(disk) ||
           cluster_conf(host_cluster_of(host, disk))->clone_convert;
}

void
convert_begin(Host *host, const DomPlan *plan)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);

        if (!is_to_begin(host, disk))
            continue;
        g_mutex_lock(&jobs_lock);
        (void)find_or_begin(host, disk);
        g_mutex_unlock(&jobs_lock);
    }
}

static gboolean
waits(gpointer key, gpointer job, gpointer unused)
{
    (void)key;
    (void)unused;
    return ((const ConvertJob *)job)->waits;
}

bool
convert_waits(void)
{
    bool any;

    g_mutex_lock(&jobs_lock);
    any = jobs && g_hash_table_find(jobs, waits, NULL);
    g_mutex_unlock(&jobs_lock);
    return any;
}

/* Under the lock. A reload has taken one of its clusters away. */
static gboolean
is_left_behind(gpointer key, gpointer value, gpointer host)
{
    ConvertJob *job = value;

    (void)key;
    if (!job->waits || take_host(job, host))
        return FALSE;
    host_let_go(job->host);
    return TRUE;
}

static bool
is_before(const ConvertJob *job, const ConvertJob *other)
{
    return job->group_us != other->group_us ? job->group_us < other->group_us
                                            : job->tried_us < other->tried_us;
}

/* Under the lock. NULL: none waits, or one is being tried again, after which comes
 * the next: so one worker is left for what needs another cluster. */
static ConvertJob *
next_to_try(void)
{
    GHashTableIter iter;
    gpointer value;
    ConvertJob *next = NULL;

    g_hash_table_iter_init(&iter, jobs);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        ConvertJob *job = value;

        if (is_late(job) && !job->waits)
            return NULL;
        if (job->waits && (!next || is_before(job, next)))
            next = job;
    }
    return next;
}

void
convert_again(Host *host)
{
    ConvertJob *next = NULL;

    g_mutex_lock(&jobs_lock);
    if (jobs) {
        (void)g_hash_table_foreach_remove(jobs, is_left_behind, host);
        next = next_to_try();
    }
    if (next)
        hand_out(next);
    g_mutex_unlock(&jobs_lock);
}

static void
explain(const ConvertJob *job, const char *image, bool far, GError **error)
{
    if (!job)
        g_set_error(error, STORE_ERROR, STORE_ERROR_UNCONVERTED,
                    "image '%s' %s first: remorad does that when the domain is "
                    "defined or started while it runs (systemctl status "
                    "remorad)",
                    image,
                    far ? "is in another cluster and has to be copied"
                        : "is not raw and has to be converted");
    else if (job->failed)
        g_set_error(error, STORE_ERROR, STORE_ERROR_REFUSED,
                    "image '%s' cannot be %s: %s: who asks after a minute has "
                    "it tried again",
                    image, far ? "copied" : "converted", job->failed);
    else
        g_set_error(error, STORE_ERROR, STORE_ERROR_UNCONVERTED,
                    "image '%s' is being %s, %u %% are done: start the domain "
                    "again when 'remora status' shows that no more",
                    image, far ? "copied" : "converted",
                    job->total ? (guint)(job->done * 100 / job->total) : 0);
}

void
convert_explain(Host *host, const DomDisk *disk, GError **error)
{
    g_autofree char *image = image_text(host, disk, NULL);
    ConvertJob *job;

    g_clear_error(error);
    g_mutex_lock(&jobs_lock);
    job = find_or_begin(host, disk);
    /* That disk is known to be wanted. */
    if (job)
        g_clear_pointer(&job->disk, g_free);
    if (job && job->waits && take_host(job, host))
        hand_out(job);
    explain(job, image, dom_disk_is_copy(disk), error);
    g_mutex_unlock(&jobs_lock);
}

static json_t *
job_json(const ConvertJob *job)
{
    const char *state = job->failed      ? "failed"
                        : !job->base     ? "waiting"
                        : job->from_name ? "copying"
                                         : "converting";
    const char *from = job->from_name ? job->from_name : job->cluster_name;

    return json_pack("{s:s, s:s, s:s, s:s?, s:s, s:I, s:I, s:s?}", "image",
                     job->image, "cluster", job->cluster_name, "from", from,
                     "into", job->base, "state", state, "done",
                     (json_int_t)job->done, "size", (json_int_t)job->total,
                     "error", job->failed);
}

/* One that waits may turn out to be raw, where it is in the disk's cluster. */
static bool
is_shown(const ConvertJob *job)
{
    return job->base || job->failed || !job->disk ||
           (job->late && job->from_name);
}

json_t *
convert_list(void)
{
    json_t *list = json_array();
    GHashTableIter iter;
    gpointer job;

    g_mutex_lock(&jobs_lock);
    if (jobs) {
        g_hash_table_iter_init(&iter, jobs);
        while (g_hash_table_iter_next(&iter, NULL, &job))
            if (is_shown(job))
                json_array_append_new(list, job_json(job));
    }
    g_mutex_unlock(&jobs_lock);
    return list;
}
