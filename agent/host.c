/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/host.c - from the configuration to its clusters, and to what xml/ needs
 * of them
 */
#include "config.h"

#include "agent/host.h"

#include <libvirt/libvirt.h>

struct Host {
    gint refs;
    Conf *conf;
    GPtrArray *clusters; /* of Cluster */
};

Conf *
host_read_conf(const char *path, GError **error)
{
    if (!path && g_file_test(REMORA_CONF, G_FILE_TEST_EXISTS))
        path = REMORA_CONF;
    return conf_load(path, error);
}

Host *
host_new(const char *conf_path,
         const char *user,
         const char *keyring,
         GError **error)
{
    g_autoptr(Conf) conf = host_read_conf(conf_path, error);
    const ClusterAs as = {user, keyring};
    Host *host;

    if (!conf)
        return NULL;
    host = g_new0(Host, 1);
    host->refs = 1;
    host->clusters =
        g_ptr_array_new_with_free_func((GDestroyNotify)cluster_free);
    for (guint i = 0; i < conf->clusters->len; i++)
        g_ptr_array_add(host->clusters, cluster_new(conf, i, &as));
    host->conf = g_steal_pointer(&conf);
    return host;
}

Host *
host_ref(Host *host)
{
    g_atomic_int_inc(&host->refs);
    return host;
}

void
host_unref(Host *host)
{
    if (!host || !g_atomic_int_dec_and_test(&host->refs))
        return;
    g_ptr_array_unref(host->clusters);
    conf_unref(host->conf);
    g_free(host);
}

static gpointer
unref_thread(gpointer host)
{
    host_unref(host);
    return NULL;
}

void
host_let_go(Host *host)
{
    if (!host)
        return;
    /* Only the last reference can block, and that one has no other owner who
     * could drop it meanwhile. */
    if (g_atomic_int_get(&host->refs) > 1 &&
        !g_atomic_int_dec_and_test(&host->refs))
        return;
    g_atomic_int_set(&host->refs, 1);
    g_thread_unref(g_thread_new("let-go", unref_thread, host));
}

const Conf *
host_conf(const Host *host)
{
    return host->conf;
}

guint
host_clusters(const Host *host)
{
    return host->clusters->len;
}

Cluster *
host_cluster(const Host *host, guint index)
{
    return g_ptr_array_index(host->clusters, index);
}

Cluster *
host_cluster_of(const Host *host, const DomDisk *disk)
{
    return host_cluster(host, disk->cluster);
}

StoreCluster *
host_store_of(const Host *host, const DomDisk *disk)
{
    return cluster_store(host_cluster_of(host, disk));
}

Cluster *
host_cluster_of_image(const Host *host, const DomDisk *disk)
{
    return disk->parent_cluster < host_clusters(host)
               ? host_cluster(host, disk->parent_cluster)
               : NULL;
}

StoreCluster *
host_store_from(const Host *host, const DomDisk *disk)
{
    Cluster *from = host_cluster_of_image(host, disk);

    return from && dom_disk_is_copy(disk) ? cluster_store(from) : NULL;
}

bool
host_reads(const DomPlan *plan, guint index)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);

        if (dom_disk_is_copy(disk) && disk->parent_cluster == index)
            return true;
    }
    return false;
}

bool
host_needs(const DomPlan *plan, guint index)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);

        if (disk->cluster == index)
            return true;
    }
    return false;
}

char *
host_cluster_names(const Host *host, guint32 which)
{
    GString *names = g_string_new(NULL);

    for (guint i = 0; i < host_clusters(host); i++)
        if (which & (guint32)1 << i)
            g_string_append_printf(names, "%s%s", names->len ? "' or '" : "",
                                   cluster_name(host_cluster(host, i)));
    return g_string_free(names, FALSE);
}

Cluster *
host_cluster_with_images(const Host *host, const char *pool)
{
    for (guint i = 0; i < host_clusters(host); i++) {
        Cluster *cluster = host_cluster(host, i);

        if (g_strv_contains(
                (const char *const *)cluster_conf(cluster)->image_pools, pool))
            return cluster;
    }
    return NULL;
}

bool
host_cluster_index(const Host *host, const char *name, guint *ret_index)
{
    for (guint i = 0; i < host_clusters(host); i++)
        if (g_str_equal(cluster_name(host_cluster(host, i)), name)) {
            *ret_index = i;
            return true;
        }
    return false;
}

/* No cluster's name has a slash in it. */
char *
host_pool_key(const Host *host, guint cluster, const char *pool)
{
    return g_strdup_printf("%s/%s", cluster_name(host_cluster(host, cluster)),
                           pool);
}

/* What is known of a cluster that need not be asked. */
static gboolean
rule_unasked(Cluster *cluster, ClusterRule *ret_rule, GError **error)
{
    g_auto(StoreSeen) seen = {0};

    if (!cluster_rule(cluster, HOST_ASK_NOBODY, ret_rule, error))
        return FALSE;
    store_seen_read(cluster_store(cluster), &seen);
    if (!ret_rule->fsid)
        ret_rule->rules.fsid = ret_rule->fsid = g_steal_pointer(&seen.fsid);
    if (ret_rule->whose.monitors)
        return TRUE;
    cluster_rule_clear(ret_rule);
    return cluster_rule(cluster, HOST_ASK_CONF, ret_rule, error);
}

/* A cluster that a disk is in is asked. Of one with its image, which the disk may
 * need no more, only what nobody has told yet. */
static gboolean
rule_likely(Cluster *cluster,
            HostAsk ask,
            const DomPlan *likely,
            guint index,
            ClusterRule *ret_rule,
            GError **error)
{
    if (!likely || host_needs(likely, index))
        return cluster_rule(cluster, ask, ret_rule, error);
    if (!rule_unasked(cluster, ret_rule, error))
        return FALSE;
    if (ret_rule->fsid || !host_reads(likely, index))
        return TRUE;
    cluster_rule_clear(ret_rule);
    return cluster_rule(cluster, ask, ret_rule, error);
}

/* libvirt's library is as old as its daemon: they are of one package. Asks
 * nobody. */
static bool
libvirt_knows_namespaces(void)
{
    unsigned long version = 0;

    return virGetVersion(&version, NULL, NULL) == 0 && version >= 11006000;
}

gboolean
host_rules(Host *host,
           HostAsk ask,
           const DomPlan *likely,
           bool complete_bare,
           HostRules *ret_rules,
           GError **error)
{
    guint n = host_clusters(host);
    g_auto(HostRules) result = {n, g_new0(DomRules, n), g_new0(ClusterRule, n)};

    for (guint i = 0; i < n; i++) {
        Cluster *cluster = host_cluster(host, i);
        ClusterRule *part = &result.parts[i];

        if (!rule_likely(cluster, ask, likely, i, part, error))
            return FALSE;
        result.rules[i] = part->rules;
        result.rules[i].complete_bare = complete_bare;
        result.rules[i].namespaces = libvirt_knows_namespaces();
    }
    *ret_rules = result;
    result = (HostRules){0};
    return TRUE;
}

void
host_rules_clear(HostRules *rules)
{
    for (guint i = 0; i < rules->n; i++)
        cluster_rule_clear(&rules->parts[i]);
    g_clear_pointer(&rules->parts, g_free);
    g_clear_pointer(&rules->rules, g_free);
    rules->n = 0;
}

const char *
host_rules_doubt(const HostRules *rules)
{
    for (guint i = 0; i < rules->n; i++)
        if (rules->parts[i].whose.doubt)
            return rules->parts[i].whose.doubt;
    return NULL;
}

bool
host_rules_sure(const HostRules *rules, const DomPlan *plan)
{
    for (guint i = 0; i < rules->n; i++)
        if (!rules->parts[i].whose.monitors ||
            (!rules->parts[i].fsid &&
             (host_needs(plan, i) || host_reads(plan, i))))
            return false;
    return true;
}

gboolean
host_site(Host *host,
          HostAsk ask,
          const DomPlan *plan,
          HostSite *ret_site,
          GError **error)
{
    guint n = host_clusters(host);
    g_auto(HostSite) result = {n, g_new0(DomSite, n), g_new0(ClusterSite, n)};

    for (guint i = 0; i < n; i++) {
        if (!host_needs(plan, i))
            continue;
        if (!cluster_site(host_cluster(host, i), ask, &result.parts[i], error))
            return FALSE;
        result.sites[i] = result.parts[i].site;
    }
    *ret_site = result;
    result = (HostSite){0};
    return TRUE;
}

void
host_site_clear(HostSite *site)
{
    for (guint i = 0; i < site->n; i++)
        cluster_site_clear(&site->parts[i]);
    g_clear_pointer(&site->parts, g_free);
    g_clear_pointer(&site->sites, g_free);
    site->n = 0;
}

void
host_site_same_guest(HostSite *site, const char *arrival)
{
    for (guint i = 0; i < site->n; i++) {
        site->sites[i].same_guest = true;
        site->sites[i].arrival = arrival;
    }
}

guint32
host_needed(const Host *host, const DomPlan *plan)
{
    guint32 needed = 0;

    for (guint i = 0; i < host_clusters(host); i++)
        if (host_needs(plan, i))
            needed |= (guint32)1 << i;
    return needed;
}

bool
host_monitors_moved(Host *host, guint32 which, gint64 since_us)
{
    bool moved = false;

    for (guint i = 0; i < host_clusters(host); i++)
        if (which & (guint32)1 << i)
            moved |= cluster_monitors_moved(host_cluster(host, i), since_us);
    return moved;
}

bool
host_learn_monitors(Host *host)
{
    bool more = false;

    for (guint i = 0; i < host_clusters(host); i++)
        more |= cluster_learn_monitors(host_cluster(host, i));
    return more;
}

gboolean
host_check_monitors(Host *host, const DomPlan *plan, GError **error)
{
    for (guint i = 0; i < host_clusters(host); i++)
        if (host_needs(plan, i) &&
            !cluster_check_monitors(host_cluster(host, i), error))
            return FALSE;
    return TRUE;
}

/* FALSE without an error: it has none of that name. */
static gboolean
find_parent_in(Host *host, DomDisk *disk, guint index, GError **error)
{
    Cluster *cluster = host_cluster(host, index);
    const ConfCluster *conf = cluster_conf(cluster);
    g_autoptr(GError) why = NULL;
    g_autofree char *pool = store_find_image(
        cluster_store(cluster), (const char *const *)conf->image_pools,
        disk->parent_image, &why);
    const char *fsid =
        pool ? store_cluster_fsid(cluster_store(cluster), &why) : NULL;

    if (fsid)
        dom_disk_set_parent(disk, index, fsid, pool);
    else if (index == disk->cluster ||
             !g_error_matches(why, STORE_ERROR, STORE_ERROR_MISSING))
        g_propagate_error(error, g_steal_pointer(&why));
    return fsid != NULL;
}

/* In its own cluster, or else in any other. That one is not there says nothing as
 * long as another cannot be asked. */
static gboolean
find_parent(Host *host, DomDisk *disk, GError **error)
{
    g_autoptr(GError) missing = NULL;
    guint own = disk->cluster;

    if (find_parent_in(host, disk, own, &missing))
        return TRUE;
    for (guint i = 0;
         i < host_clusters(host) &&
         g_error_matches(missing, STORE_ERROR, STORE_ERROR_MISSING);
         i++) {
        g_autoptr(GError) why = NULL;

        if (i == own)
            continue;
        if (find_parent_in(host, disk, i, &why))
            return TRUE;
        if (why) {
            g_propagate_error(error, g_steal_pointer(&why));
            return FALSE;
        }
    }
    g_propagate_error(error, g_steal_pointer(&missing));
    return FALSE;
}

static bool
lacks_parent(const DomDisk *disk)
{
    return dom_disk_has_parent(disk) && !disk->parent_pool;
}

gboolean
host_find_parents(Host *host, DomPlan *plan, GError **error)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        DomDisk *disk = g_ptr_array_index(disks, i);

        if (lacks_parent(disk) && !find_parent(host, disk, error)) {
            g_prefix_error(error, "disk '%s': ", disk->target);
            return FALSE;
        }
    }
    return TRUE;
}

bool
host_guess_parents(Host *host, DomPlan *plan)
{
    const GPtrArray *disks = dom_plan_disks(plan);
    bool all = true;

    for (guint i = 0; i < disks->len; i++) {
        DomDisk *disk = g_ptr_array_index(disks, i);
        char **pools = cluster_conf(host_cluster_of(host, disk))->image_pools;

        if (!lacks_parent(disk))
            continue;
        all &= pools[1] == NULL;
        if (!pools[1])
            dom_disk_set_parent(disk, disk->cluster, NULL, pools[0]);
    }
    return all;
}

char *
host_libvirt_uri(const Host *host)
{
    g_autofree char *socket = NULL;

    if (!host->conf->libvirt_socket)
        return g_strdup("qemu:///system");
    socket = g_uri_escape_string(host->conf->libvirt_socket, "/", FALSE);
    return g_strconcat("qemu+unix:///system?socket=", socket, NULL);
}
