/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/host-facts.c - what libvirt's side is told of a Host
 */
#include "config.h"

#include "agent/host-facts.h"

#include "agent/request.h"

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
plan_stored(Host *host, const char *xml, GError **error)
{
    bool bare = host_conf(host)->complete_existing;
    g_autoptr(GError) down = NULL;
    DomPlan *plan =
        request_plan(host, HOST_ASK_MEMORY, xml, strlen(xml), bare, &down);

    if (plan || !g_error_matches(down, STORE_ERROR, STORE_ERROR_DOWN)) {
        if (down)
            g_propagate_error(error, g_steal_pointer(&down));
        return plan;
    }
    return request_plan(host, HOST_ASK_CONF, xml, strlen(xml), bare, error);
}

static gboolean
changes(gpointer host,
        const char *xml,
        DomChanges **ret_changes,
        bool *ret_ours,
        GError **error)
{
    g_autoptr(DomPlan) plan = plan_stored(host, xml, error);
    g_auto(HostSite) site = {0};

    if (!plan)
        return FALSE;
    *ret_ours = dom_plan_disks(plan)->len > 0;
    return !*ret_ours ||
           (find_site(host, plan, &site, error) &&
            dom_plan_changes(plan, site.sites, ret_changes, error));
}

static bool
moved(gpointer host, const char *xml)
{
    g_autoptr(DomPlan) plan =
        request_plan(host, HOST_ASK_NOBODY, xml, strlen(xml), true, NULL);

    return plan && host_monitors_moved(host, plan);
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
    return g_error_matches(error, STORE_ERROR, STORE_ERROR_DOWN);
}

VirtFacts *
host_facts_new(Host *host)
{
    static const VirtFactsClass class = {
        .free = free_host,
        .uri = uri,
        .changes = changes,
        .moved = moved,
        .secret_name = secret_name,
        .secret_uuid = secret_uuid,
        .secret_key = secret_key,
        .free_key = store_key_free,
        .may_pass = may_pass,
    };

    return virt_facts_new(&class, host_ref(host));
}
