/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cluster.c - one Ceph cluster of the configuration
 */
#include "config.h"

#include "agent/cluster.h"

#include "agent/log.h"
#include "agent/monitors.h"
#include "agent/secret.h"

#include <stdlib.h>
#include <string.h>

/* A monitor that lives greets in about a millisecond. */
#define GREETING_MS 1000
/* The same for who has promised an answer within a second. */
#define SOON_MS 700

struct Cluster {
    Conf *all;
    const ConfCluster *conf; /* in all */
    StoreCluster *store;
    char *guest_user;
    GMutex lock; /* guards the rest */
    GPtrArray *monitors;
    gint64 monitors_at_us; /* when they were fetched */
    gint64 changed_us;     /* when others came than those of before */
    bool fetching;         /* somebody fetches them right now */
    guint64 fetches;       /* that have ended */
    GError *why;           /* the last of them gave no map */
    GCond fetched;         /* fetching has ended */
    char *fsid;            /* NULL until the cluster told it */
    char *conf_fsid;       /* as ceph.conf has it; NULL: it was not read yet */
};

/* All that are configured; the strings are borrowed. */
static GPtrArray *
pools_of(const ConfCluster *conf)
{
    GPtrArray *pools = g_ptr_array_new();

    g_ptr_array_add(pools, conf->vms_pool);
    for (char **pool = conf->image_pools; *pool; pool++)
        g_ptr_array_add(pools, *pool);
    for (char **pool = conf->volume_pools; *pool; pool++)
        g_ptr_array_add(pools, *pool);
    g_ptr_array_add(pools, NULL);
    return pools;
}

static StoreCluster *
store_new(const Conf *all,
          const ConfCluster *conf,
          const ClusterAs *as,
          bool inherits)
{
    g_autoptr(GPtrArray) pools = pools_of(conf);
    const StoreSettings settings = {
        .name = conf->name,
        .conf = conf->conf,
        .user = as->user ? as->user : conf->user,
        .keyring = as->user || as->keyring ? as->keyring : conf->keyring,
        .connect_timeout_ms = all->connect_timeout_ms,
        .op_timeout_ms = all->op_timeout_ms,
        .run_dir = HOST_RUN_DIR,
        .state_dir = HOST_STATE_DIR,
        .inherits = inherits,
        .probe_pools = (const char *const *)pools->pdata,
        .clone_object_size = conf->clone_object_size,
        .clone_features = conf->clone_features,
        .grow_by_librbd = conf->clone_grow != NULL,
        .clone_convert = conf->clone_convert != NULL,
        .clone_data_pool = conf->clone_data_pool,
        .clone_max_depth = conf->clone_max_depth,
        .clone_flatten = conf->clone_flatten,
        .trash_expiry_s = all->trash_expiry_s,
    };

    return store_cluster_new(&settings);
}

Cluster *
cluster_new(Conf *all, guint index, const ClusterAs *as)
{
    Cluster *cluster = g_new0(Cluster, 1);

    cluster->all = conf_ref(all);
    cluster->conf = g_ptr_array_index(all->clusters, index);
    g_mutex_init(&cluster->lock);
    g_cond_init(&cluster->fetched);
    /* An agent that knew one cluster only knew the first. */
    cluster->store = store_new(all, cluster->conf, as, index == 0);
    cluster->guest_user =
        g_strdup(cluster->conf->guest_user ? cluster->conf->guest_user
                                           : cluster->conf->user);
    return cluster;
}

void
cluster_free(Cluster *cluster)
{
    if (!cluster)
        return;
    store_cluster_unref(cluster->store);
    g_clear_pointer(&cluster->monitors, g_ptr_array_unref);
    g_mutex_clear(&cluster->lock);
    g_cond_clear(&cluster->fetched);
    g_clear_error(&cluster->why);
    g_free(cluster->fsid);
    g_free(cluster->conf_fsid);
    g_free(cluster->guest_user);
    conf_unref(cluster->all);
    g_free(cluster);
}

StoreCluster *
cluster_store(const Cluster *cluster)
{
    return cluster->store;
}

const ConfCluster *
cluster_conf(const Cluster *cluster)
{
    return cluster->conf;
}

const char *
cluster_name(const Cluster *cluster)
{
    return cluster->conf->name;
}

const char *
cluster_guest_user(const Cluster *cluster)
{
    return cluster->guest_user;
}

/* ---- its monitors ------------------------------------------------------------ */

static GPtrArray *
known_monitors(Cluster *cluster, gint64 max_age_us)
{
    GPtrArray *monitors = NULL;

    g_mutex_lock(&cluster->lock);
    if (cluster->monitors &&
        g_get_monotonic_time() - cluster->monitors_at_us <= max_age_us)
        monitors = g_ptr_array_ref(cluster->monitors);
    g_mutex_unlock(&cluster->lock);
    return monitors;
}

/* While the monitors elect a leader, the last map that they gave out holds:
 * it takes a leader to change it. NULL: they are not there. */
static GPtrArray *
last_while_electing(Cluster *cluster, const GError *why)
{
    g_autoptr(GPtrArray) last = known_monitors(cluster, G_MAXINT64);
    guint seconds;

    if (!g_error_matches(why, STORE_ERROR, STORE_ERROR_DOWN) || !last ||
        store_cluster_is_down(cluster->store, &seconds) ||
        !store_monitors_greet(last, GREETING_MS))
        return NULL;
    log_warning(NULL, "%s; the monitors are there, so their last map is used",
                why->message);
    return g_steal_pointer(&last);
}

/* true: somebody fetched them meanwhile, and this is what came of it. false:
 * nobody does, and the caller is to, up to end_fetch(). */
static bool
join_fetch(Cluster *cluster, GPtrArray **ret_monitors, GError **error)
{
    guint64 seen;
    bool joined;

    g_mutex_lock(&cluster->lock);
    seen = cluster->fetches;
    while (cluster->fetching)
        g_cond_wait(&cluster->fetched, &cluster->lock);
    joined = cluster->fetches != seen;
    if (!joined)
        cluster->fetching = true;
    else if (cluster->why)
        g_propagate_error(error, g_error_copy(cluster->why));
    else
        *ret_monitors = g_ptr_array_ref(cluster->monitors);
    g_mutex_unlock(&cluster->lock);
    return joined;
}

static bool
same_monitors(const GPtrArray *a, const GPtrArray *b)
{
    if (!a || a->len != b->len)
        return false;
    for (guint i = 0; i < a->len; i++) {
        const StoreMonitor *one = g_ptr_array_index(a, i);
        const StoreMonitor *two = g_ptr_array_index(b, i);

        if (strcmp(one->host, two->host) != 0 ||
            g_strcmp0(one->port, two->port) != 0)
            return false;
    }
    return true;
}

/* monitors NULL: they could not be had, and why not. */
static void
end_fetch(Cluster *cluster, GPtrArray *monitors, const GError *why)
{
    g_autoptr(GPtrArray) old = NULL;

    g_mutex_lock(&cluster->lock);
    if (monitors) {
        old = cluster->monitors;
        cluster->monitors = g_ptr_array_ref(monitors);
        cluster->monitors_at_us = g_get_monotonic_time();
        if (!same_monitors(old, monitors))
            cluster->changed_us = cluster->monitors_at_us;
    }
    g_clear_error(&cluster->why);
    if (!monitors)
        cluster->why = g_error_copy(why);
    cluster->fetches++;
    cluster->fetching = false;
    g_cond_broadcast(&cluster->fetched);
    g_mutex_unlock(&cluster->lock);
}

GPtrArray *
cluster_monitors(Cluster *cluster, GError **error)
{
    g_autoptr(GError) why = NULL;
    GPtrArray *monitors = NULL;

    if (join_fetch(cluster, &monitors, error))
        return monitors;
    monitors = store_monitors(cluster->store, &why);
    if (!monitors)
        monitors = last_while_electing(cluster, why);
    end_fetch(cluster, monitors, why);
    if (!monitors)
        g_propagate_error(error, g_steal_pointer(&why));
    return monitors;
}

GPtrArray *
cluster_last_monitors(Cluster *cluster)
{
    return known_monitors(cluster, G_MAXINT64);
}

GPtrArray *
cluster_fresh_monitors(Cluster *cluster)
{
    return known_monitors(cluster, (gint64)HOST_FRESH_MS * 1000);
}

bool
cluster_monitors_moved(Cluster *cluster, gint64 since_us)
{
    g_autoptr(GPtrArray) live = cluster_fresh_monitors(cluster);
    bool moved;

    if (!live)
        live = cluster_monitors(cluster, NULL);
    g_mutex_lock(&cluster->lock);
    moved = live && cluster->changed_us >= since_us;
    g_mutex_unlock(&cluster->lock);
    return moved;
}

bool
cluster_learn_monitors(Cluster *cluster)
{
    g_autoptr(GPtrArray) fresh = cluster_fresh_monitors(cluster);
    g_autoptr(GPtrArray) last = cluster_last_monitors(cluster);
    gint64 now = g_get_monotonic_time();
    guint seconds;

    return !fresh && !store_cluster_is_down(cluster->store, &seconds) &&
           (!last || store_monitors_greet(last, SOON_MS)) &&
           cluster_monitors_moved(cluster, now);
}

gboolean
cluster_check_monitors(Cluster *cluster, GError **error)
{
    g_autoptr(GPtrArray) last = cluster_last_monitors(cluster);
    guint seconds;

    if (!last || store_cluster_is_down(cluster->store, &seconds) ||
        store_monitors_greet(last, SOON_MS))
        return TRUE;
    store_cluster_suspect(cluster->store, NULL);
    g_set_error(error, STORE_ERROR, STORE_ERROR_DOWN,
                "the monitors of cluster '%s' do not answer at the moment: "
                "check it with 'ceph -s', then try again",
                store_cluster_name(cluster->store));
    return FALSE;
}

static GPtrArray *
find_monitors(Cluster *cluster, HostAsk ask, GError **error)
{
    GPtrArray *last = NULL;

    if (ask == HOST_ASK_CONF)
        return monitors_from_conf(cluster->store, error);
    if (ask == HOST_ASK_MEMORY)
        last = cluster_last_monitors(cluster);
    return last ? last : cluster_monitors(cluster, error);
}

/* ---- its id and its secret ----------------------------------------------------- */

static char *
known_fsid(Cluster *cluster)
{
    char *fsid;

    g_mutex_lock(&cluster->lock);
    fsid = g_strdup(cluster->fsid);
    g_mutex_unlock(&cluster->lock);
    return fsid;
}

static char *
ask_fsid(Cluster *cluster, GError **error)
{
    const char *fsid = store_cluster_fsid(cluster->store, error);

    if (!fsid)
        return NULL;
    g_mutex_lock(&cluster->lock);
    if (!cluster->fsid)
        cluster->fsid = g_strdup(fsid);
    g_mutex_unlock(&cluster->lock);
    return g_strdup(fsid);
}

static gboolean
find_fsid(Cluster *cluster, HostAsk ask, char **ret_fsid, GError **error)
{
    switch (ask) {
    case HOST_ASK_NOBODY:
        *ret_fsid = known_fsid(cluster);
        return TRUE;
    case HOST_ASK_CONF:
        *ret_fsid = store_conf_fsid(cluster->store);
        return TRUE;
    case HOST_ASK_MEMORY: /* the connection remembers it */
    case HOST_ASK_CLUSTER:
        *ret_fsid = ask_fsid(cluster, error);
        return *ret_fsid != NULL;
    }
    g_return_val_if_reached(FALSE);
}

/* A name-based UUID (RFC 4122, version 5), so that every host of a cluster
 * comes to the same one with nothing shared. */
static char *
name_uuid(const char *name)
{
    static const guint8 space[16] = {0x5b, 0x0e, 0x2c, 0x41, 0x9d, 0x7a,
                                     0x4f, 0x1e, 0x8c, 0x33, 0x6a, 0xd1,
                                     0x07, 0xb9, 0xe4, 0x58};
    guint8 id[20];
    gsize len = sizeof(id);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);

    g_checksum_update(sum, space, sizeof(space));
    g_checksum_update(sum, (const guchar *)name, (gssize)strlen(name));
    g_checksum_get_digest(sum, id, &len);
    id[6] = (guint8)((id[6] & 0x0f) | 0x50);
    id[8] = (guint8)((id[8] & 0x3f) | 0x80);
    return g_strdup_printf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
                           "%02x%02x%02x%02x%02x%02x",
                           id[0], id[1], id[2], id[3], id[4], id[5], id[6],
                           id[7], id[8], id[9], id[10], id[11], id[12], id[13],
                           id[14], id[15]);
}

static char *
derived_secret(const char *fsid, const char *user)
{
    g_autofree char *name = g_strdup_printf("%s/client.%s", fsid, user);

    return name_uuid(name);
}

char *
cluster_secret_uuid(const Cluster *cluster, const char *fsid)
{
    if (cluster->conf->secret_uuid)
        return g_strdup(cluster->conf->secret_uuid);
    return derived_secret(fsid, cluster->guest_user);
}

/* ---- whose a disk is --------------------------------------------------------- */

static void
add_secret(Whose *whose, const char *user, char *uuid)
{
    g_ptr_array_add(whose->secrets, uuid);
    g_ptr_array_add(whose->usages, secret_usage(user, uuid));
}

/* The configured one, those that remora makes up, and Cinder's default. */
static void
know_secrets(const Cluster *cluster, const char *fsid, Whose *whose)
{
    const char *guest = cluster->guest_user;

    whose->secrets = g_ptr_array_new_with_free_func(g_free);
    whose->usages = g_ptr_array_new_with_free_func(g_free);
    if (cluster->conf->secret_uuid)
        add_secret(whose, guest, g_strdup(cluster->conf->secret_uuid));
    if (!fsid)
        return;
    add_secret(whose, guest, derived_secret(fsid, guest));
    add_secret(whose, guest, derived_secret(fsid, cluster->conf->user));
    add_secret(whose, guest, g_strdup(fsid));
}

/* As it is called, and where that leads to. */
static void
know_configs(const Cluster *cluster, Whose *whose)
{
    char *real = realpath(cluster->conf->conf, NULL);

    whose->configs = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(whose->configs,
                    g_canonicalize_filename(cluster->conf->conf, "/"));
    if (real)
        g_ptr_array_add(whose->configs, g_strdup(real));
    free(real);
}

static void
know_monitors(Cluster *cluster,
              HostAsk ask,
              const StoreSeen *seen,
              Whose *whose)
{
    whose->monitors = cluster_last_monitors(cluster);
    if (!whose->monitors && seen->now->len > 0)
        whose->monitors = g_ptr_array_ref(seen->now);
    if (!whose->monitors && (ask == HOST_ASK_MEMORY || ask == HOST_ASK_CLUSTER))
        whose->monitors = cluster_monitors(cluster, NULL);
    if (!whose->monitors && ask != HOST_ASK_NOBODY)
        whose->monitors = monitors_from_conf(cluster->store, NULL);
    whose->former = g_ptr_array_ref(seen->former);
}

/* NULL: it says none. Read once, for it costs a connection's making. */
static char *
fsid_in_conf(Cluster *cluster)
{
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&cluster->lock);

    if (!cluster->conf_fsid &&
        !(cluster->conf_fsid = store_conf_fsid(cluster->store)))
        cluster->conf_fsid = g_strdup("");
    return *cluster->conf_fsid ? g_strdup(cluster->conf_fsid) : NULL;
}

static void
know_whose(Cluster *cluster, HostAsk ask, const char *fsid, Whose *whose)
{
    g_auto(StoreSeen) seen = {0};
    g_autofree char *in_conf = NULL;

    store_seen_read(cluster->store, &seen);
    if (!fsid && seen.fsid)
        in_conf = fsid_in_conf(cluster);
    /* A cluster of that name may have been made anew. */
    store_seen_expect(&seen, fsid ? fsid : in_conf);
    if (!fsid)
        fsid = seen.fsid;
    if (fsid || ask != HOST_ASK_NOBODY)
        know_secrets(cluster, fsid, whose);
    know_configs(cluster, whose);
    know_monitors(cluster, ask, &seen, whose);
}

gboolean
cluster_rule(Cluster *cluster,
             HostAsk ask,
             ClusterRule *ret_rule,
             GError **error)
{
    const ConfCluster *conf = cluster->conf;
    char *fsid = NULL;

    if (!find_fsid(cluster, ask, &fsid, error))
        return FALSE;
    *ret_rule = (ClusterRule){.fsid = fsid};
    know_whose(cluster, ask, fsid, &ret_rule->whose);
    ret_rule->rules = (DomRules){
        .name = cluster_name(cluster),
        .image_pools = (const char *const *)conf->image_pools,
        .vms_pool = conf->vms_pool,
        .volume_pools = (const char *const *)conf->volume_pools,
        .fsid = fsid,
        .weigh = whose_weigh,
        .weigh_data = &ret_rule->whose,
    };
    return TRUE;
}

void
cluster_rule_clear(ClusterRule *rule)
{
    g_clear_pointer(&rule->fsid, g_free);
    whose_clear(&rule->whose);
}

/* ---- its disks ----------------------------------------------------------------- */

/* One <host> for each monitor: libvirt has no word for the protocol, and a
 * client that reaches one address of a monitor learns the rest from it. */
static GArray *
hosts_of(const GPtrArray *monitors)
{
    GArray *hosts = g_array_new(FALSE, FALSE, sizeof(DomHost));

    for (guint i = 0; i < monitors->len; i++) {
        const StoreMonitor *monitor = g_ptr_array_index(monitors, i);
        DomHost host = {monitor->host, monitor->port};

        if (!monitor->other)
            g_array_append_val(hosts, host);
    }
    return hosts;
}

gboolean
cluster_site(Cluster *cluster,
             HostAsk ask,
             ClusterSite *ret_site,
             GError **error)
{
    g_autofree char *fsid = NULL;
    const ConfCluster *conf = cluster->conf;
    ClusterSite result = {0};

    if (!find_fsid(cluster, ask, &fsid, error))
        return FALSE;
    if (!fsid && !conf->secret_uuid) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_MISSING,
                    "the secret's UUID is not known without the cluster: set "
                    "fsid in '%s', or clusters.secret_uuid in remora.conf",
                    conf->conf);
        return FALSE;
    }
    result.monitors = find_monitors(cluster, ask, error);
    if (!result.monitors)
        return FALSE;
    result.hosts = hosts_of(result.monitors);
    result.secret_uuid = cluster_secret_uuid(cluster, fsid);
    result.cache = conf_cachemode(conf, "network");
    result.cache_file = conf_cachemode(conf, "file");
    result.cache_block = conf_cachemode(conf, "block");
    result.site = (DomSite){
        .hosts = (const DomHost *)(void *)result.hosts->data,
        .n_hosts = result.hosts->len,
        .auth_user = cluster->guest_user,
        .secret_uuid = result.secret_uuid,
        .cache = result.cache,
        .cache_file = result.cache_file,
        .cache_block = result.cache_block,
        .discard = conf->discard,
        .bus = conf->bus,
    };
    *ret_site = result;
    return TRUE;
}

void
cluster_site_clear(ClusterSite *site)
{
    g_clear_pointer(&site->hosts, g_array_unref);
    g_clear_pointer(&site->monitors, g_ptr_array_unref);
    g_clear_pointer(&site->secret_uuid, g_free);
    g_clear_pointer(&site->cache, g_free);
    g_clear_pointer(&site->cache_file, g_free);
    g_clear_pointer(&site->cache_block, g_free);
}
