/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image.c - what the verbs of 'remora image' share
 */
#include "config.h"

#include "agent/cli/image.h"

#include <string.h>

enum { STATUS_MISSING = 3, STATUS_IN_USE = 4 };

char *cmd_image_cluster;

void
cmd_image_clear(CmdImage *image)
{
    g_clear_pointer(&image->pool, g_free);
    g_clear_pointer(&image->image, g_free);
    host_unref(g_steal_pointer(&image->host));
}

int
cmd_image_fail(const char *prefix, const GError *error)
{
    int status = cmd_fail(prefix, error);

    if (g_error_matches(error, STORE_ERROR, STORE_ERROR_MISSING))
        return STATUS_MISSING;
    if (g_error_matches(error, STORE_ERROR, STORE_ERROR_BUSY))
        return STATUS_IN_USE;
    return status;
}

/* ---- in which cluster ----------------------------------------------------------- */

GPtrArray *
cmd_image_clusters(const Host *host, const char *command)
{
    g_autoptr(GPtrArray) clusters = g_ptr_array_new();

    for (guint i = 0; i < host_clusters(host); i++) {
        Cluster *cluster = host_cluster(host, i);

        if (!cmd_image_cluster ||
            strcmp(cmd_image_cluster, cluster_name(cluster)) == 0)
            g_ptr_array_add(clusters, cluster);
    }
    if (clusters->len > 0)
        return g_steal_pointer(&clusters);
    cmd_usage(command, "no cluster of that name is configured");
    return NULL;
}

static void
add_names(GPtrArray *names, char *const *pools)
{
    for (; *pools; pools++)
        if (!g_ptr_array_find_with_equal_func(names, *pools, g_str_equal, NULL))
            g_ptr_array_add(names, *pools);
}

GPtrArray *
cmd_image_pools(const Cluster *cluster)
{
    const ConfCluster *conf = cluster_conf(cluster);
    GPtrArray *names = g_ptr_array_new();
    char *const vms[] = {conf->vms_pool, NULL};

    add_names(names, conf->image_pools);
    add_names(names, vms);
    add_names(names, conf->volume_pools);
    return names;
}

/* Those of them that have a pool of that name for images. */
static GPtrArray *
clusters_with(const Host *host, const char *command, const char *pool)
{
    GPtrArray *clusters = cmd_image_clusters(host, command);

    for (guint i = clusters ? clusters->len : 0; i > 0; i--) {
        const ConfCluster *conf =
            cluster_conf(g_ptr_array_index(clusters, i - 1));

        if (!g_strv_contains((const char *const *)conf->image_pools, pool))
            g_ptr_array_remove_index(clusters, i - 1);
    }
    if (!clusters || clusters->len > 0)
        return clusters;
    g_ptr_array_unref(clusters);
    cmd_usage(command, "that pool is none of pools.images");
    return NULL;
}

const Cluster *
cmd_image_cluster_with(const Host *host, const char *command, const char *pool)
{
    g_autoptr(GPtrArray) clusters = pool ? clusters_with(host, command, pool)
                                         : cmd_image_clusters(host, command);

    if (!clusters)
        return NULL;
    if (!pool || clusters->len == 1)
        return g_ptr_array_index(clusters, 0);
    cmd_usage(command, "which cluster's pool that is, --cluster has to say");
    return NULL;
}

/* ---- the image ------------------------------------------------------------------ */

/* What one that was cut short has left of it: its entry in the trash, or no more than
 * its claim, which whoever removes it then takes and gives up. */
static char *
search_rest(StoreCluster *store, const char *const *pools, const char *name)
{
    char *pool = store_going_find(store, pools, name);

    return pool ? pool : store_image_claim_find(store, pools, name);
}

/* rest: what is left of one. NULL, where no error is set: not in that cluster. */
static char *
search_cluster(const Cluster *cluster,
               const CmdSought *sought,
               bool rest,
               GError **error)
{
    const char *const named[] = {sought->pool, NULL};
    const char *const *pools =
        sought->pool ? named : (const char *const *)sought->pools(cluster);
    StoreCluster *store = cluster_store(cluster);

    return rest ? search_rest(store, pools, sought->name)
                : store_find_image(store, pools, sought->name, error);
}

static int
refuse_several(const char *command, const CmdSought *sought)
{
    g_autofree char *message = g_strdup_printf(
        "which cluster's %s that is, --cluster has to say", sought->word);

    return cmd_usage(command, message);
}

/* *ret_missing: why not, where nothing is found, if it is not set. */
static int
search_clusters(const char *command,
                const GPtrArray *clusters,
                const CmdSought *sought,
                bool rest,
                Cluster **ret_cluster,
                char **ret_pool,
                GError **ret_missing)
{
    g_autofree char *found = NULL;

    for (guint i = 0; i < clusters->len; i++) {
        Cluster *cluster = g_ptr_array_index(clusters, i);
        g_autoptr(GError) error = NULL;
        g_autofree char *pool = search_cluster(cluster, sought, rest, &error);

        if (pool && found)
            return refuse_several(command, sought);
        if (pool) {
            found = g_steal_pointer(&pool);
            *ret_cluster = cluster;
        } else if (error &&
                   !g_error_matches(error, STORE_ERROR, STORE_ERROR_MISSING)) {
            return cmd_image_fail(NULL, error);
        } else if (error && !*ret_missing) {
            *ret_missing = g_steal_pointer(&error);
        }
    }
    *ret_pool = g_steal_pointer(&found);
    return *ret_pool ? 0 : -1;
}

/* What is left in one cluster is looked for when the image is in none. */
int
cmd_image_search(const char *command,
                 const GPtrArray *clusters,
                 const CmdSought *sought,
                 Cluster **ret_cluster,
                 char **ret_pool,
                 GError **ret_missing)
{
    g_autoptr(GError) missing = NULL;
    int status = search_clusters(command, clusters, sought, false, ret_cluster,
                                 ret_pool, &missing);

    if (status < 0 && sought->going)
        status = search_clusters(command, clusters, sought, true, ret_cluster,
                                 ret_pool, &missing);
    if (status < 0)
        *ret_missing = g_steal_pointer(&missing);
    return status;
}

static char *const *
image_pools(const Cluster *cluster)
{
    return cluster_conf(cluster)->image_pools;
}

static int
search(const char *command, const GPtrArray *clusters, CmdImage *image)
{
    const CmdSought sought = {"image", image_pools, image->pool, image->image,
                              image->going};
    g_autoptr(GError) missing = NULL;
    Cluster *cluster = NULL;
    char *pool = NULL;
    int status =
        cmd_image_search(command, clusters, &sought, &cluster, &pool, &missing);

    if (status)
        return status < 0 ? cmd_image_fail(NULL, missing) : status;
    image->cluster = cluster_store(cluster);
    g_free(image->pool);
    image->pool = pool;
    return 0;
}

int
cmd_image_find(const CmdGlobals *globals,
               const char *command,
               char *const *rest,
               CmdImage *ret_image)
{
    const char *slash = rest[0] ? strchr(rest[0], '/') : NULL;
    g_autoptr(GPtrArray) clusters = NULL;

    if (!rest[0] || rest[1] || !rest[0][0] || strchr(rest[0], '@') ||
        (slash && (slash == rest[0] || !slash[1] || strchr(slash + 1, '/'))))
        return cmd_usage(command, "one image is needed, as ID or POOL/ID");
    ret_image->host = cmd_host(globals);
    if (!ret_image->host)
        return 1;
    ret_image->image = g_strdup(slash ? slash + 1 : rest[0]);
    if (slash)
        ret_image->pool = g_strndup(rest[0], (gsize)(slash - rest[0]));
    clusters = slash ? clusters_with(ret_image->host, command, ret_image->pool)
                     : cmd_image_clusters(ret_image->host, command);
    if (!clusters)
        return 2;
    if (!slash || clusters->len > 1)
        return search(command, clusters, ret_image);
    ret_image->cluster = cluster_store(g_ptr_array_index(clusters, 0));
    return 0;
}
