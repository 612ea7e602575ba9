/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/convert.c - images that cannot be cloned as they are become bases, in the
 * background
 *
 * Nothing of it is kept on this host: what is read, by the tool (convert-tool.c) or
 * for a copy (convert-copy.c), is read in the cluster of the image then, and what
 * is written is written to the cluster of the base.
 */
#include "config.h"

#include "agent/convert.h"

#include "agent/convert-copy.h"
#include "agent/convert-tool.h"
#include "agent/log.h"
#include "agent/recoveries.h"

/* How many at once, and how many are under way or have failed. */
#define CONVERTS_MAX 2
#define JOBS_MAX     256u
/* For so long a failure is told, before it is tried again. */
#define FAILED_US (60 * G_USEC_PER_SEC)
/* Another host that converts the same image is waited for. */
#define PATIENCE_MS (CONVERT_SECONDS * 1000u)

typedef struct {
    char *key;
    Host *host;
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
} ConvertJob;

/* ---- which there are ---------------------------------------------------------- */

static GMutex jobs_lock;
static GHashTable *jobs;     /* key -> ConvertJob, which it owns; jobs_lock */
static GThreadPool *workers; /* NULL: nothing is converted here; jobs_lock */

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
    return job;
}

static gboolean
is_over(gpointer key, gpointer value, gpointer now)
{
    const ConvertJob *job = value;

    (void)key;
    return job->failed && *(gint64 *)now - job->failed_us >= FAILED_US;
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
    if (job || g_hash_table_size(jobs) >= JOBS_MAX)
        return job;
    job = job_new(host, disk);
    (void)g_hash_table_insert(jobs, job->key, job);
    (void)g_thread_pool_push(workers, job, NULL);
    return job;
}

/* ---- one conversion ------------------------------------------------------------- */

typedef struct {
    ConvertJob *job;
    const StoreOrigin *base;
    StoreReading *reading;
    StoreFilling *filling;
} Conversion;

static gboolean
read_part(gpointer data, guint64 offset, gpointer buffer, gsize len, GError **e)
{
    Conversion *conversion = data;
    const ConvertJob *job = conversion->job;

    if (store_reading_read(conversion->reading, offset, buffer, len, e))
        return TRUE;
    if (job->from_name)
        store_error_from(e, job->from_name);
    return FALSE;
}

static gboolean
write_part(
    gpointer data, guint64 offset, gpointer buffer, gsize len, GError **error)
{
    Conversion *conversion = data;
    ConvertJob *job = conversion->job;

    if (!store_filling_write(conversion->filling, offset, buffer, len, error))
        return FALSE;
    g_mutex_lock(&jobs_lock);
    job->done = MAX(job->done, offset + len);
    g_mutex_unlock(&jobs_lock);
    return TRUE;
}

static gboolean
fill_raw(Conversion *conversion, GError **error)
{
    g_autoptr(GArray) extents =
        store_reading_extents(conversion->reading, error);
    const ConvertCopy copy = {
        .extents = extents,
        .from = read_part,
        .to = write_part,
        .data = conversion,
    };

    if (extents)
        return convert_copy_run(&copy, error);
    store_error_from(error, conversion->job->from_name);
    return FALSE;
}

static gboolean
fill(StoreFilling *filling, gpointer data, GError **error)
{
    Conversion *conversion = data;
    const ConvertTool tool = {
        .format = conversion->base->found.format,
        .from_size = store_reading_size(conversion->reading),
        .from = read_part,
        .to_size = store_filling_size(filling),
        .to = write_part,
        .data = conversion,
    };

    conversion->filling = filling;
    return tool.format ? convert_tool_run(&tool, error)
                       : fill_raw(conversion, error);
}

static void
log_begun(const ConvertJob *job, const StoreOrigin *base)
{
    const LogAbout about = {.image = job->base};

    if (base->found.format)
        log_info(&about,
                 "converts %s from %s into %s, %" G_GUINT64_FORMAT " bytes",
                 job->image, base->found.format, job->base, base->size);
    else
        log_info(&about, "copies %s into %s, %" G_GUINT64_FORMAT " bytes",
                 job->image, job->base, base->size);
}

static void
log_made(const ConvertJob *job, const StoreOrigin *base, gint64 start)
{
    const LogAbout about = {.image = job->base, .ms = log_ms_since(start)};

    if (base->found.format)
        log_info(&about, "converted %s into %s", job->image, job->base);
    else
        log_info(&about, "copied %s into %s", job->image, job->base);
}

static StoreCluster *
store_from(const ConvertJob *job)
{
    return cluster_store(host_cluster(job->host, job->from));
}

static gboolean
make(ConvertJob *job,
     StoreCluster *store,
     const StoreOrigin *base,
     GError **error)
{
    g_autoptr(StoreReading) reading =
        store_reading_new(store_from(job), &job->parent, &base->found, error);
    Conversion conversion = {job, base, reading, NULL};
    const StoreBaseAsk ask = {
        .pool = job->pool,
        .image = base->image,
        .size = base->size,
        .fill = fill,
        .fill_data = &conversion,
        .patience_ms = PATIENCE_MS,
    };
    gint64 start = g_get_monotonic_time();
    g_autofree char *recovered = NULL;
    bool made = false;
    gboolean done;

    if (!reading) {
        if (job->from_name)
            store_error_from(error, job->from_name);
        return FALSE;
    }
    done = store_base_make(store, &ask, &made, &recovered, error);
    if (recovered)
        recoveries_note(&(LogAbout){.image = job->base}, recovered);
    if (done && made)
        log_made(job, base, start);
    return done;
}

/* Whether the disk that a definition asks for was made before: it needs no
 * image. */
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
    log_begun(job, &base);
    return make(job, store, &base, error);
}

/* Whether it is about the conversion: who starts is told of the rest. */
static bool
is_told(const ConvertJob *job, const GError *why)
{
    return job->base || g_error_matches(why, STORE_ERROR, STORE_ERROR_REFUSED);
}

static void
log_failed(const ConvertJob *job, const GError *why)
{
    const LogAbout about = {.image = job->base};

    if (is_told(job, why) && job->from_name)
        log_warning(&about, "cannot copy %s: %s", job->image, why->message);
    else if (is_told(job, why))
        log_warning(&about, "cannot convert %s: %s", job->image, why->message);
    else
        log_debug(&about, "%s", why->message);
}

static void
run_job(gpointer data, gpointer unused)
{
    ConvertJob *job = data;
    Host *host = job->host;
    g_autoptr(GError) why = NULL;

    (void)unused;
    if (!convert(job, &why))
        log_failed(job, why);
    g_mutex_lock(&jobs_lock);
    if (why && is_told(job, why)) {
        job->failed = g_strdup(why->message);
        job->failed_us = g_get_monotonic_time();
    } else {
        (void)g_hash_table_remove(jobs, job->key);
    }
    g_mutex_unlock(&jobs_lock);
    /* It may close connections, which takes its time. */
    host_unref(host);
}

/* ---- for others -------------------------------------------------------------------- */

void
convert_serve(void)
{
    g_mutex_lock(&jobs_lock);
    if (!workers) {
        jobs = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, job_free);
        workers = g_thread_pool_new(run_job, NULL, CONVERTS_MAX, FALSE, NULL);
    }
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

/* One that waits may turn out to be raw. */
static bool
is_shown(const ConvertJob *job)
{
    return job->base || job->failed || !job->disk;
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
