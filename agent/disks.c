/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/disks.c - all disks of one plan, provisioned at once
 *
 * The monitor map is fetched beside the disks, or was a moment ago, and costs
 * no time, as long as the disks name monitors of the map that is known. Where
 * they do not, it is fetched first, so that nothing is made for a start that
 * is refused.
 */
#include "config.h"

#include "agent/disks.h"

#include "agent/contents.h"
#include "agent/convert.h"
#include "agent/disk-hosts.h"
#include "agent/log.h"
#include "agent/parallel.h"
#include "agent/process.h"
#include "agent/recoveries.h"

GQuark
request_error_quark(void)
{
    return g_quark_from_static_string("remora-request-error");
}

typedef struct {
    const DomPlan *plan;
    Host *host; /* borrowed */
    Cluster *cluster;
    const DomDisk *disk; /* NULL: this job fetches the cluster's monitor map */
    const RequestHow *how;
    bool named;        /* of several clusters: a message says which */
    Contents contents; /* of a disk without a parent */
    StoreResult result;
    GPtrArray *monitors;
    GError *error;
} Job;

static void
job_free(gpointer data)
{
    Job *job = data;

    store_claim_drop(job->result.claim);
    contents_end(&job->contents);
    store_result_clear(&job->result);
    g_clear_pointer(&job->monitors, g_ptr_array_unref);
    g_clear_error(&job->error);
    g_free(job);
}

static void
disk_free(gpointer data)
{
    RequestDisk *disk = data;

    g_free(disk->target);
    g_free(disk->image);
    g_free(disk);
}

GPtrArray *
disks_list_new(void)
{
    return g_ptr_array_new_with_free_func(disk_free);
}

GPtrArray *
disks_claims_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)store_claim_drop);
}

static char *
image_text(const DomDisk *disk)
{
    return g_strconcat(disk->pool, "/", disk->image, disk->snap ? "@" : NULL,
                       disk->snap, NULL);
}

static const char *
outcome_word(const Job *job)
{
    static const char *const words[] = {
        [STORE_BUILT] = "cloned",
        [STORE_READY] = "is ready:",
        [STORE_GROWN] = "is there and has grown:",
    };

    if (job->result.outcome == STORE_BUILT && job->disk->kind == DOM_DISK_NEW)
        return "made";
    return words[job->result.outcome];
}

static void
log_outcome(const Job *job, gint64 start, bool ready)
{
    g_autofree char *image = image_text(job->disk);
    const LogAbout about = {
        .domain = dom_plan_name(job->plan),
        .disk = job->disk->target,
        .image = image,
        .ms = log_ms_since(start),
    };

    if (job->result.recovered)
        recoveries_note(&about, job->result.recovered);
    if (ready)
        log_info(&about, "%s %s, %" G_GUINT64_FORMAT " bytes",
                 outcome_word(job), image, job->result.size);
}

static StoreDisk
wanted(Job *job)
{
    const DomDisk *disk = job->disk;
    StoreDisk want = {
        .source = dom_disk_has_parent(disk) ? STORE_SOURCE_CLONE
                                            : STORE_SOURCE_EXISTING,
        .parent = {disk->parent_pool, disk->parent_image, disk->parent_snap},
        .from = host_store_from(job->host, disk),
        .lost = disk->parent_fsid,
        .pool = disk->pool,
        .image = disk->image,
        .snap = disk->kind == DOM_DISK_BARE ? disk->snap : NULL,
        .size = disk->size,
        .owner = dom_plan_uuid(job->plan),
        .label = disk->target,
        .read_only = !disk->writable || disk->kind == DOM_DISK_SNAPSHOT,
        .shareable = disk->shareable,
        .starts = job->how->starts,
        .arriving = job->how->arriving,
        .has_ended = process_none_of,
        .patience_ms = job->how->patience_ms,
        .waiter = dom_plan_name(job->plan),
    };

    if (disk->kind == DOM_DISK_NEW) {
        contents_end(&job->contents);
        contents_begin(&job->contents, disk, &want);
    }
    return want;
}

/* Where there is more to say than the cluster knows. */
static void
explain(Job *job)
{
    if (g_error_matches(job->error, STORE_ERROR, STORE_ERROR_MISSING))
        contents_explain(&job->contents, &job->error);
    else if (g_error_matches(job->error, STORE_ERROR, STORE_ERROR_UNCONVERTED))
        convert_explain(job->host, job->disk, &job->error);
}

static void
provision(Job *job)
{
    gint64 start = g_get_monotonic_time();
    const StoreDisk want = wanted(job);
    gboolean ready = store_provision(cluster_store(job->cluster), &want,
                                     &job->result, &job->error);

    log_outcome(job, start, ready);
    if (!ready)
        explain(job);
}

static void
run_job(gpointer data)
{
    Job *job = data;

    if (job->disk)
        provision(job);
    else
        job->monitors = cluster_monitors(job->cluster, &job->error);
}

static void
run_check(gpointer data)
{
    Job *job = data;
    StoreDisk want;
    gboolean good;

    if (!job->disk)
        return;
    want = wanted(job);
    good = store_disk_check(cluster_store(job->cluster), &want, &job->error) &&
           contents_check(&job->contents, cluster_store(job->cluster),
                          &job->error);
    g_assert(good || job->error);
    if (!good)
        explain(job);
}

static Job *
add_job(GPtrArray *jobs,
        Host *host,
        Cluster *cluster,
        const DomPlan *plan,
        const DomDisk *disk,
        const RequestHow *how)
{
    Job *job = g_new0(Job, 1);

    job->host = host;
    job->cluster = cluster;
    job->contents.fd = -1;
    job->plan = plan;
    job->disk = disk;
    job->how = how;
    g_ptr_array_add(jobs, job);
    return job;
}

static GPtrArray *
jobs_of(Host *host, const DomPlan *plan, const RequestHow *how)
{
    const GPtrArray *disks = dom_plan_disks(plan);
    GPtrArray *jobs = g_ptr_array_new_with_free_func(job_free);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);

        (void)add_job(jobs, host, host_cluster_of(host, disk), plan, disk, how);
    }
    return jobs;
}

static gboolean
check_jobs(const GPtrArray *jobs, GError **error)
{
    for (guint i = 0; i < jobs->len; i++) {
        Job *job = g_ptr_array_index(jobs, i);

        if (!job->error)
            continue;
        if (job->disk)
            g_prefix_error(&job->error, "disk '%s': ", job->disk->target);
        else if (job->named)
            store_error_name(&job->error, cluster_name(job->cluster));
        g_propagate_error(error, g_steal_pointer(&job->error));
        return FALSE;
    }
    return TRUE;
}

/* Of several disks none is made if it is known that one cannot be. */
static gboolean
run_jobs(GPtrArray *jobs, const DomPlan *plan, GError **error)
{
    if (dom_plan_disks(plan)->len > 1) {
        parallel_run(run_check, jobs);
        if (!check_jobs(jobs, error))
            return FALSE;
    }
    parallel_run(run_job, jobs);
    return check_jobs(jobs, error);
}

/* The first disk of the cluster that names no monitor of its map; NULL: none
 * such. */
static const DomDisk *
astray(const DomPlan *plan, guint cluster, const GPtrArray *monitors)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);

        if (disk->cluster == cluster && !disk_hosts_known(disk, monitors))
            return disk;
    }
    return NULL;
}

static gboolean
check_monitors(Host *host,
               const DomPlan *plan,
               guint cluster,
               const GPtrArray *monitors,
               GError **error)
{
    const DomDisk *disk = astray(plan, cluster, monitors);
    g_autofree char *named = NULL;

    if (!disk)
        return TRUE;
    named = disk_hosts_text(disk);
    g_set_error(error, REQUEST_ERROR, REQUEST_ERROR_REFUSED,
                "disk '%s': no monitor of cluster '%s' is at %s any more, and "
                "QEMU would wait there for ever: define the domain again "
                "without these <host>s, or see 'ceph mon dump'",
                disk->target, cluster_name(host_cluster(host, cluster)), named);
    return FALSE;
}

static gboolean
check_monitors_first(Host *host,
                     const DomPlan *plan,
                     guint cluster,
                     GError **error)
{
    g_autoptr(GPtrArray) last =
        cluster_last_monitors(host_cluster(host, cluster));
    g_autoptr(GPtrArray) monitors = NULL;

    if (last && !astray(plan, cluster, last))
        return TRUE;
    monitors = cluster_monitors(host_cluster(host, cluster), error);
    return monitors && check_monitors(host, plan, cluster, monitors, error);
}

/* What is known of the monitors of the clusters that the plan needs: one each,
 * of which the map was at hand, or is fetched by a job. */
typedef struct {
    guint cluster;
    GPtrArray *fresh; /* or NULL: by job */
    const Job *job;
} Map;

static void
map_clear(gpointer data)
{
    Map *map = data;

    g_clear_pointer(&map->fresh, g_ptr_array_unref);
}

/* NULL: a disk is astray, or that cannot be known. */
static GArray *
maps_of(Host *host,
        const DomPlan *plan,
        const RequestHow *how,
        GPtrArray *jobs,
        GError **error)
{
    g_autoptr(GArray) maps = g_array_new(FALSE, TRUE, sizeof(Map));

    g_array_set_clear_func(maps, map_clear);
    for (guint i = 0; i < host_clusters(host); i++) {
        Cluster *cluster = host_cluster(host, i);
        Map map = {.cluster = i};

        if (!host_needs(plan, i))
            continue;
        if (!check_monitors_first(host, plan, i, error))
            return NULL;
        map.fresh = cluster_fresh_monitors(cluster);
        if (!map.fresh) {
            Job *job = add_job(jobs, host, cluster, plan, NULL, how);

            job->named = host_clusters(host) > 1;
            map.job = job;
        }
        g_array_append_val(maps, map);
    }
    return g_steal_pointer(&maps);
}

static gboolean
check_maps(Host *host, const DomPlan *plan, const GArray *maps, GError **error)
{
    for (guint i = 0; i < maps->len; i++) {
        const Map *map = &g_array_index(maps, Map, i);

        if (!check_monitors(host, plan, map->cluster,
                            map->fresh ? map->fresh : map->job->monitors,
                            error))
            return FALSE;
    }
    return TRUE;
}

static void
run_hand(gpointer data)
{
    Job *job = data;

    if (job->result.claim && !store_claim_hand(job->result.claim, &job->error))
        g_assert(job->error);
}

/* Before the answer, and all at once. If one is not ours any more, none is the
 * guest's: those that were handed are dropped with the jobs. */
static gboolean
hand_claims(const GPtrArray *jobs, const RequestHow *how, GError **error)
{
    if (!how->hand)
        return TRUE;
    parallel_run(run_hand, jobs);
    return check_jobs(jobs, error);
}

static void
collect(const GPtrArray *jobs, RequestReady *ready)
{
    for (guint i = 0; i < jobs->len; i++) {
        Job *job = g_ptr_array_index(jobs, i);
        RequestDisk *disk;

        if (!job->disk)
            continue;
        disk = g_new0(RequestDisk, 1);
        disk->target = g_strdup(job->disk->target);
        disk->image = image_text(job->disk);
        disk->outcome = job->result.outcome;
        disk->cloned = job->disk->kind == DOM_DISK_CLONE;
        disk->size = job->result.size;
        g_ptr_array_add(ready->disks, disk);
        if (job->result.claim)
            g_ptr_array_add(ready->claims, g_steal_pointer(&job->result.claim));
    }
}

/* Provisions, with the monitor maps fetched beside it unless they are at hand;
 * then sees that the disks still name monitors. */
static gboolean
provision_final(Host *host,
                const DomPlan *plan,
                const RequestHow *how,
                RequestReady *ready,
                GError **error)
{
    g_autoptr(GPtrArray) jobs = jobs_of(host, plan, how);
    g_autoptr(GArray) maps = maps_of(host, plan, how, jobs, error);

    if (!maps || !run_jobs(jobs, plan, error) ||
        !check_maps(host, plan, maps, error) || !hand_claims(jobs, how, error))
        return FALSE;
    collect(jobs, ready);
    return TRUE;
}

/* Before the rewrite the <host>s are not yet those that QEMU gets. */
static gboolean
provision_early(Host *host,
                const DomPlan *plan,
                const RequestHow *how,
                RequestReady *ready,
                GError **error)
{
    g_autoptr(GPtrArray) jobs = jobs_of(host, plan, how);

    if (!run_jobs(jobs, plan, error) || !hand_claims(jobs, how, error))
        return FALSE;
    collect(jobs, ready);
    return TRUE;
}

gboolean
disks_provision(Host *host,
                const DomPlan *plan,
                const RequestHow *how,
                RequestReady *ready,
                GError **error)
{
    if (dom_plan_disks(plan)->len == 0)
        return TRUE;
    return how->before_rewrite ? provision_early(host, plan, how, ready, error)
                               : provision_final(host, plan, how, ready, error);
}
