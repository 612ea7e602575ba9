/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/host-facts.c - what libvirt's side is told of a Host
 */
#include "config.h"

#include "agent/host-facts.h"

#include "agent/convert.h"
#include "agent/protect.h"
#include "agent/request.h"
#include "hooks/wire/sieve.h"

#include <stdlib.h>
#include <string.h>

static void
free_host(gpointer host)
{
    host_unref(host);
}

static char *
uri(gpointer host)
{
    return host_libvirt_uri(host);
}

/* ---- definitions ----------------------------------------------------------------- */

/* What the cluster said of its monitors; ceph.conf's word where it does not
 * answer, so that the definition is complete when it does. */
static gboolean
find_site(Host *host, const DomPlan *plan, HostSite *ret_site, GError **error)
{
    g_autoptr(GError) first = NULL;

    if (host_site(host, HOST_ASK_MEMORY, plan, ret_site, &first) ||
        host_site(host, HOST_ASK_CONF, plan, ret_site, NULL))
        return TRUE;
    /* The cluster's own error says whether another try is worth it. */
    g_propagate_error(error, g_steal_pointer(&first));
    return FALSE;
}

static DomPlan *
plan_stored(Host *host, const GArray *pools, const char *xml, GError **error)
{
    const RequestKnown known = {.pools = pools};
    bool bare = host_conf(host)->complete_existing;
    g_autoptr(GError) down = NULL;
    DomPlan *plan = request_plan_with(host, HOST_ASK_MEMORY, &known, xml,
                                      strlen(xml), bare, &down);

    if (plan || !g_error_matches(down, STORE_ERROR, STORE_ERROR_DOWN)) {
        if (down)
            g_propagate_error(error, g_steal_pointer(&down));
        return plan;
    }
    return request_plan_with(host, HOST_ASK_CONF, &known, xml, strlen(xml),
                             bare, error);
}

/* One that cannot be looked at may be. */
static bool
has_watchers(StoreCluster *cluster, const DomRbdSource *source)
{
    g_autoptr(GError) why = NULL;
    g_auto(GStrv) watchers =
        store_watchers(cluster, source->pool, source->image, &why);

    if (watchers)
        return watchers[0] != NULL;
    return !g_error_matches(why, STORE_ERROR, STORE_ERROR_MISSING);
}

/* Whether somebody has the image open that the definition gives this disk now.
 * Who reads a snapshot has nothing open that could be written. */
static bool
is_open(StoreCluster *cluster, const GPtrArray *sources, const char *target)
{
    for (guint i = 0; i < sources->len; i++) {
        const DomRbdSource *source = g_ptr_array_index(sources, i);

        if (source->role == DOM_ROLE_DISK && !source->snap &&
            g_strcmp0(source->target, target) == 0)
            return has_watchers(cluster, source);
    }
    return false;
}

/* A clone that was made is only shown the way to, which moves nobody to another
 * image. */
static bool
is_made(const DomDisk *disk)
{
    return disk->under_overlay ||
           (disk->kind != DOM_DISK_BARE && disk->in_place);
}

/* The very image that the disk is to have: to name it in the stored definition
 * moves nobody. */
static bool
has_it_already(const char *live, const DomDisk *disk)
{
    g_autoptr(GPtrArray) sources = NULL;

    if (!dom_sources(live, strlen(live), &sources, NULL))
        return false;
    for (guint i = 0; i < sources->len; i++) {
        const DomRbdSource *source = g_ptr_array_index(sources, i);

        if (source->role == DOM_ROLE_DISK && !source->snap &&
            g_strcmp0(source->target, disk->target) == 0)
            return g_strcmp0(source->pool, disk->pool) == 0 &&
                   g_strcmp0(source->image, disk->image) == 0;
    }
    return false;
}

/* live: as the domain runs, or NULL. */
static bool
leave_in_use(Host *host, const char *xml, const char *live, DomPlan *plan)
{
    const GPtrArray *disks = dom_plan_disks(plan);
    g_autoptr(GPtrArray) sources = NULL;
    bool left = false;

    for (guint i = 0; i < disks->len; i++) {
        DomDisk *disk = g_ptr_array_index(disks, i);

        if (is_made(disk) ||
            (!sources && !dom_sources(xml, strlen(xml), &sources, NULL)))
            continue;
        if (live && disk->kind != DOM_DISK_BARE && has_it_already(live, disk))
            continue;
        if ((live && dom_xml_has_target(live, strlen(live), disk->target)) ||
            is_open(host_store_of(host, disk), sources, disk->target)) {
            dom_disk_leave(disk);
            left = true;
        }
    }
    return left;
}

/* Who uses its disks is asked only where something would change. */
static gboolean
find_changes(Host *host,
             const char *xml,
             DomPlan *plan,
             VirtLive live,
             gpointer domain,
             VirtChanges *ret_changes,
             GError **error)
{
    g_autoptr(DomChanges) all = NULL;
    g_auto(HostSite) site = {0};
    char *runs = NULL;

    if (!find_site(host, plan, &site, error) ||
        !dom_plan_changes(plan, site.sites, &all, error))
        return FALSE;
    if (all)
        runs = live(domain);
    ret_changes->left = all && leave_in_use(host, xml, runs, plan);
    free(runs);
    if (ret_changes->left)
        return dom_plan_changes(plan, site.sites, &ret_changes->changes, error);
    ret_changes->changes = g_steal_pointer(&all);
    return TRUE;
}

static bool
concerns(const char *xml)
{
    return wire_sieve(xml, strlen(xml));
}

static gboolean
changes(gpointer host,
        const GArray *pools,
        const char *xml,
        VirtLive live,
        gpointer domain,
        VirtChanges *ret_changes,
        GError **error)
{
    gint64 since_us = g_get_monotonic_time();
    DomPlan *plan = plan_stored(host, pools, xml, error);

    if (!plan)
        return FALSE;
    ret_changes->plan = plan;
    ret_changes->since_us = since_us;
    ret_changes->clusters = host_needed(host, plan);
    ret_changes->ours = !request_is_as_it_stands(host, plan);
    ret_changes->images = protect_find(host, plan);
    convert_begin(host, plan);
    return !ret_changes->ours ||
           find_changes(host, xml, plan, live, domain, ret_changes, error);
}

static bool
completes(gpointer host)
{
    return host_conf(host)->complete_existing;
}

/* A pool's name is no proof: two clusters may have one of the same name. Where
 * there is one cluster, what names no host is in it. */
static bool
cluster_at(gpointer host, const GPtrArray *hosts, guint *ret_cluster)
{
    g_auto(DiskHostsLimit) limit = {0};

    *ret_cluster = 0;
    if (hosts->len == 0)
        return host_clusters(host) == 1;
    for (guint i = 0; i < host_clusters(host); i++) {
        Cluster *cluster = host_cluster(host, i);
        g_autoptr(GPtrArray) monitors = cluster_last_monitors(cluster);

        if (!monitors)
            monitors = cluster_monitors(cluster, NULL);
        if (monitors && disk_hosts_among(hosts, monitors, &limit)) {
            *ret_cluster = i;
            return true;
        }
    }
    return false;
}

static bool
moved(gpointer host, const VirtChanges *done)
{
    return host_monitors_moved(host, done->clusters, done->since_us);
}

/* ---- secrets: one for each cluster ------------------------------------------------ */

static const char *
secret_name(gpointer host, guint index)
{
    return index < host_clusters(host)
               ? cluster_guest_user(host_cluster(host, index))
               : NULL;
}

static char *
secret_uuid(gpointer host, guint index, GError **error)
{
    const Cluster *cluster = host_cluster(host, index);
    const char *fsid = store_cluster_fsid(cluster_store(cluster), error);

    return fsid ? cluster_secret_uuid(cluster, fsid) : NULL;
}

static char *
secret_key(gpointer host, guint index, GError **error)
{
    const Cluster *cluster = host_cluster(host, index);
    const ConfCluster *conf = cluster_conf(cluster);

    return store_user_key(
        cluster_store(cluster), cluster_guest_user(cluster),
        conf->guest_user ? conf->guest_keyring : conf->keyring, error);
}

static bool
may_pass(const GError *error)
{
    return g_error_matches(error, STORE_ERROR, STORE_ERROR_DOWN) ||
           g_error_matches(error, STORE_ERROR, STORE_ERROR_FENCED);
}

VirtFacts *
host_facts_new(Host *host)
{
    static const VirtFactsClass class = {
        .free = free_host,
        .uri = uri,
        .concerns = concerns,
        .changes = changes,
        .completes = completes,
        .cluster_at = cluster_at,
        .moved = moved,
        .secret_name = secret_name,
        .secret_uuid = secret_uuid,
        .secret_key = secret_key,
        .free_key = store_key_free,
        .may_pass = may_pass,
    };

    return virt_facts_new(&class, host_ref(host));
}
