/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/host.c - from the configuration to what xml/ and agent/rbd/ need
 */
#include "config.h"

#include "agent/host.h"

#include "agent/log.h"
#include "agent/secret.h"

#include <stdlib.h>
#include <string.h>

/* A monitor that lives greets in about a millisecond. */
#define GREETING_MS 1000
/* The same for who has promised an answer within a second. */
#define SOON_MS 700

struct Host {
    gint refs;
    Conf *conf;
    StoreCluster *cluster;
    char *guest_user;
    GMutex lock; /* guards the rest */
    GPtrArray *monitors;
    gint64 monitors_at_us; /* when they were fetched */
    bool fetching;         /* somebody fetches them right now */
    guint64 fetches;       /* that have ended */
    GError *why;           /* the last of them gave no map */
    GCond fetched;         /* fetching has ended */
    char *fsid;            /* NULL until the cluster told it */
};

Conf *
host_read_conf(const char *path, GError **error)
{
    if (!path && g_file_test(REMORA_CONF, G_FILE_TEST_EXISTS))
        path = REMORA_CONF;
    return conf_load(path, error);
}

/* All that are configured; the strings are borrowed. */
static GPtrArray *
pools_of(const Conf *conf)
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
cluster_new(const Conf *conf, const char *user, const char *keyring)
{
    const ConfCluster *first = g_ptr_array_index(conf->clusters, 0);
    g_autoptr(GPtrArray) pools = pools_of(conf);
    const StoreSettings settings = {
        .name = first->name,
        .conf = first->conf,
        .user = user ? user : first->user,
        .keyring = user || keyring ? keyring : first->keyring,
        .connect_timeout_ms = conf->connect_timeout_ms,
        .op_timeout_ms = conf->op_timeout_ms,
        .run_dir = HOST_RUN_DIR,
        .state_dir = HOST_STATE_DIR,
        .probe_pools = (const char *const *)pools->pdata,
        .clone_object_size = conf->clone_object_size,
        .clone_features = conf->clone_features,
        .clone_data_pool = conf->clone_data_pool,
        .trash_expiry_s = conf->trash_expiry_s,
    };

    return store_cluster_new(&settings);
}

Host *
host_new(const char *conf_path,
         const char *user,
         const char *keyring,
         GError **error)
{
    g_autoptr(Conf) conf = host_read_conf(conf_path, error);
    const ConfCluster *first;
    Host *host;

    if (!conf)
        return NULL;
    first = g_ptr_array_index(conf->clusters, 0);
    host = g_new0(Host, 1);
    host->refs = 1;
    g_mutex_init(&host->lock);
    g_cond_init(&host->fetched);
    host->cluster = cluster_new(conf, user, keyring);
    host->guest_user =
        g_strdup(first->guest_user ? first->guest_user : first->user);
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
    store_cluster_unref(host->cluster);
    conf_unref(host->conf);
    g_clear_pointer(&host->monitors, g_ptr_array_unref);
    g_mutex_clear(&host->lock);
    g_cond_clear(&host->fetched);
    g_clear_error(&host->why);
    g_free(host->fsid);
    g_free(host->guest_user);
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

StoreCluster *
host_cluster(const Host *host)
{
    return host->cluster;
}

const char *
host_guest_user(const Host *host)
{
    return host->guest_user;
}

static GPtrArray *
known_monitors(Host *host, gint64 max_age_us)
{
    GPtrArray *monitors = NULL;

    g_mutex_lock(&host->lock);
    if (host->monitors &&
        g_get_monotonic_time() - host->monitors_at_us <= max_age_us)
        monitors = g_ptr_array_ref(host->monitors);
    g_mutex_unlock(&host->lock);
    return monitors;
}

/* While the monitors elect a leader, the last map that they gave out holds:
 * it takes a leader to change it. NULL: they are not there. */
static GPtrArray *
last_while_electing(Host *host, const GError *why)
{
    g_autoptr(GPtrArray) last = known_monitors(host, G_MAXINT64);
    guint seconds;

    if (!g_error_matches(why, STORE_ERROR, STORE_ERROR_DOWN) || !last ||
        store_cluster_is_down(host->cluster, &seconds) ||
        !store_monitors_greet(last, GREETING_MS))
        return NULL;
    log_warning(NULL, "%s; the monitors are there, so their last map is used",
                why->message);
    return g_steal_pointer(&last);
}

/* true: somebody fetched them meanwhile, and this is what came of it. false:
 * nobody does, and the caller is to, up to end_fetch(). */
static bool
join_fetch(Host *host, GPtrArray **ret_monitors, GError **error)
{
    guint64 seen;
    bool joined;

    g_mutex_lock(&host->lock);
    seen = host->fetches;
    while (host->fetching)
        g_cond_wait(&host->fetched, &host->lock);
    joined = host->fetches != seen;
    if (!joined)
        host->fetching = true;
    else if (host->why)
        g_propagate_error(error, g_error_copy(host->why));
    else
        *ret_monitors = g_ptr_array_ref(host->monitors);
    g_mutex_unlock(&host->lock);
    return joined;
}

/* monitors NULL: they could not be had, and why not. */
static void
end_fetch(Host *host, GPtrArray *monitors, const GError *why)
{
    g_autoptr(GPtrArray) old = NULL;

    g_mutex_lock(&host->lock);
    if (monitors) {
        old = host->monitors;
        host->monitors = g_ptr_array_ref(monitors);
        host->monitors_at_us = g_get_monotonic_time();
    }
    g_clear_error(&host->why);
    if (!monitors)
        host->why = g_error_copy(why);
    host->fetches++;
    host->fetching = false;
    g_cond_broadcast(&host->fetched);
    g_mutex_unlock(&host->lock);
}

GPtrArray *
host_monitors(Host *host, GError **error)
{
    g_autoptr(GError) why = NULL;
    GPtrArray *monitors = NULL;

    if (join_fetch(host, &monitors, error))
        return monitors;
    monitors = store_monitors(host->cluster, &why);
    if (!monitors)
        monitors = last_while_electing(host, why);
    end_fetch(host, monitors, why);
    if (!monitors)
        g_propagate_error(error, g_steal_pointer(&why));
    return monitors;
}

GPtrArray *
host_last_monitors(Host *host)
{
    return known_monitors(host, G_MAXINT64);
}

GPtrArray *
host_fresh_monitors(Host *host)
{
    return known_monitors(host, (gint64)HOST_FRESH_MS * 1000);
}

static char *
known_fsid(Host *host)
{
    char *fsid;

    g_mutex_lock(&host->lock);
    fsid = g_strdup(host->fsid);
    g_mutex_unlock(&host->lock);
    return fsid;
}

static char *
ask_fsid(Host *host, GError **error)
{
    const char *fsid = store_cluster_fsid(host->cluster, error);

    if (!fsid)
        return NULL;
    g_mutex_lock(&host->lock);
    if (!host->fsid)
        host->fsid = g_strdup(fsid);
    g_mutex_unlock(&host->lock);
    return g_strdup(fsid);
}

static gboolean
find_fsid(Host *host, HostAsk ask, char **ret_fsid, GError **error)
{
    switch (ask) {
    case HOST_ASK_NOBODY:
        *ret_fsid = known_fsid(host);
        return TRUE;
    case HOST_ASK_CONF:
        *ret_fsid = store_conf_fsid(host->cluster);
        return TRUE;
    case HOST_ASK_MEMORY: /* the connection remembers it */
    case HOST_ASK_CLUSTER:
        *ret_fsid = ask_fsid(host, error);
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
host_secret_uuid(const Host *host, const char *fsid)
{
    const ConfCluster *first = g_ptr_array_index(host->conf->clusters, 0);

    if (first->secret_uuid)
        return g_strdup(first->secret_uuid);
    return derived_secret(fsid, host->guest_user);
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
know_secrets(const Host *host, const char *fsid, Whose *whose)
{
    const ConfCluster *first = g_ptr_array_index(host->conf->clusters, 0);
    const char *guest = host->guest_user;

    whose->secrets = g_ptr_array_new_with_free_func(g_free);
    whose->usages = g_ptr_array_new_with_free_func(g_free);
    if (first->secret_uuid)
        add_secret(whose, guest, g_strdup(first->secret_uuid));
    if (!fsid)
        return;
    add_secret(whose, guest, derived_secret(fsid, guest));
    add_secret(whose, guest, derived_secret(fsid, first->user));
    add_secret(whose, guest, g_strdup(fsid));
}

/* As it is called, and where that leads to. */
static void
know_configs(const Host *host, Whose *whose)
{
    const ConfCluster *first = g_ptr_array_index(host->conf->clusters, 0);
    char *real = realpath(first->conf, NULL);

    whose->configs = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(whose->configs, g_canonicalize_filename(first->conf, "/"));
    if (real)
        g_ptr_array_add(whose->configs, g_strdup(real));
    free(real);
}

static void
know_monitors(Host *host, HostAsk ask, const StoreSeen *seen, Whose *whose)
{
    whose->monitors = host_last_monitors(host);
    if (!whose->monitors && seen->now->len > 0)
        whose->monitors = g_ptr_array_ref(seen->now);
    if (!whose->monitors && (ask == HOST_ASK_MEMORY || ask == HOST_ASK_CLUSTER))
        whose->monitors = host_monitors(host, NULL);
    if (!whose->monitors && ask != HOST_ASK_NOBODY)
        whose->monitors = store_monitors_from_conf(host->cluster, NULL);
    whose->former = g_ptr_array_ref(seen->former);
}

static void
know_whose(Host *host, HostAsk ask, const char *fsid, Whose *whose)
{
    g_auto(StoreSeen) seen = {0};

    store_seen_read(host->cluster, &seen);
    if (!fsid)
        fsid = seen.fsid;
    if (fsid || ask != HOST_ASK_NOBODY)
        know_secrets(host, fsid, whose);
    know_configs(host, whose);
    know_monitors(host, ask, &seen, whose);
}

gboolean
host_rules(Host *host, HostAsk ask, HostRules *ret_rules, GError **error)
{
    char *fsid = NULL;

    if (!find_fsid(host, ask, &fsid, error))
        return FALSE;
    *ret_rules = (HostRules){
        .rules =
            {
                .image_pools = (const char *const *)host->conf->image_pools,
                .vms_pool = host->conf->vms_pool,
                .volume_pools = (const char *const *)host->conf->volume_pools,
                .fsid = fsid,
                .weigh = whose_weigh,
                .weigh_data = &ret_rules->whose,
            },
        .fsid = fsid,
    };
    know_whose(host, ask, fsid, &ret_rules->whose);
    ret_rules->sure = fsid && ret_rules->whose.monitors;
    return TRUE;
}

void
host_rules_clear(HostRules *rules)
{
    g_clear_pointer(&rules->fsid, g_free);
    whose_clear(&rules->whose);
}

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

static bool
same_monitors(const GPtrArray *a, const GPtrArray *b)
{
    if (!a || a->len != b->len)
        return false;
    for (guint i = 0; i < a->len; i++) {
        const StoreMonitor *one = g_ptr_array_index(a, i);
        const StoreMonitor *two = g_ptr_array_index(b, i);

        if (strcmp(one->host, two->host) != 0 ||
            strcmp(one->port, two->port) != 0)
            return false;
    }
    return true;
}

bool
host_monitors_moved(Host *host)
{
    g_autoptr(GPtrArray) last = host_last_monitors(host);
    g_autoptr(GPtrArray) live = host_monitors(host, NULL);

    return live && !same_monitors(last, live);
}

bool
host_learn_monitors(Host *host)
{
    g_autoptr(GPtrArray) fresh = host_fresh_monitors(host);
    g_autoptr(GPtrArray) last = host_last_monitors(host);
    guint seconds;

    return !fresh && !store_cluster_is_down(host->cluster, &seconds) &&
           (!last || store_monitors_greet(last, SOON_MS)) &&
           host_monitors_moved(host);
}

gboolean
host_check_monitors(Host *host, GError **error)
{
    g_autoptr(GPtrArray) last = host_last_monitors(host);
    guint seconds;

    if (!last || store_cluster_is_down(host->cluster, &seconds) ||
        store_monitors_greet(last, SOON_MS))
        return TRUE;
    store_cluster_suspect(host->cluster, NULL);
    g_set_error(error, STORE_ERROR, STORE_ERROR_DOWN,
                "the monitors of cluster '%s' do not answer at the moment: "
                "check it with 'ceph -s', then try again",
                store_cluster_name(host->cluster));
    return FALSE;
}

static GPtrArray *
find_monitors(Host *host, HostAsk ask, GError **error)
{
    GPtrArray *last = NULL;

    if (ask == HOST_ASK_CONF)
        return store_monitors_from_conf(host->cluster, error);
    if (ask == HOST_ASK_MEMORY)
        last = host_last_monitors(host);
    return last ? last : host_monitors(host, error);
}

gboolean
host_site(Host *host, HostAsk ask, HostSite *ret_site, GError **error)
{
    g_autofree char *fsid = NULL;
    const Conf *conf = host->conf;
    const ConfCluster *first = g_ptr_array_index(conf->clusters, 0);
    HostSite result = {0};

    if (!find_fsid(host, ask, &fsid, error))
        return FALSE;
    if (!fsid && !first->secret_uuid) {
        g_set_error(error, STORE_ERROR, STORE_ERROR_MISSING,
                    "the secret's UUID is not known without the cluster: set "
                    "fsid in '%s', or clusters.secret_uuid in remora.conf",
                    first->conf);
        return FALSE;
    }
    result.monitors = find_monitors(host, ask, error);
    if (!result.monitors)
        return FALSE;
    result.hosts = hosts_of(result.monitors);
    result.secret_uuid = host_secret_uuid(host, fsid);
    result.site = (DomSite){
        .hosts = (const DomHost *)(void *)result.hosts->data,
        .n_hosts = result.hosts->len,
        .auth_user = host->guest_user,
        .secret_uuid = result.secret_uuid,
        .cache = conf->cache_network,
        .discard = conf->discard,
        .bus = conf->bus,
    };
    *ret_site = result;
    return TRUE;
}

void
host_site_clear(HostSite *site)
{
    g_clear_pointer(&site->hosts, g_array_unref);
    g_clear_pointer(&site->monitors, g_ptr_array_unref);
    g_clear_pointer(&site->secret_uuid, g_free);
}

gboolean
host_find_parents(Host *host, DomPlan *plan, GError **error)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        DomDisk *disk = g_ptr_array_index(disks, i);
        g_autofree char *pool = NULL;

        if (disk->kind == DOM_DISK_BARE || disk->parent_pool)
            continue;
        pool = store_find_image(host->cluster,
                                (const char *const *)host->conf->image_pools,
                                disk->parent_image, error);
        if (!pool) {
            g_prefix_error(error, "disk '%s': ", disk->target);
            return FALSE;
        }
        dom_disk_set_parent_pool(disk, pool);
    }
    return TRUE;
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
