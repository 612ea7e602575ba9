/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume.c - what the verbs of 'remora volume' share
 */
#include "config.h"

#include "agent/cli/volume.h"

#include <stdio.h>
#include <string.h>

void
cmd_volume_clear(CmdVolume *volume)
{
    g_clear_pointer(&volume->pool, g_free);
    g_clear_pointer(&volume->name, g_free);
    host_unref(g_steal_pointer(&volume->host));
}

/* ---- in which cluster ------------------------------------------------------------ */

static bool
has_pool(const Cluster *cluster, const char *pool)
{
    char *const *pools = cluster_conf(cluster)->volume_pools;

    return pool ? g_strv_contains((const char *const *)pools, pool)
                : pools[0] != NULL;
}

/* Those of them that have a pool for volumes, or one of that name. */
static GPtrArray *
clusters_with(const Host *host, const char *command, const char *pool)
{
    GPtrArray *clusters = cmd_image_clusters(host, command);

    for (guint i = clusters ? clusters->len : 0; i > 0; i--)
        if (!has_pool(g_ptr_array_index(clusters, i - 1), pool))
            g_ptr_array_remove_index(clusters, i - 1);
    if (!clusters || clusters->len > 0)
        return clusters;
    g_ptr_array_unref(clusters);
    cmd_usage(command, pool ? "that pool is none of pools.volumes"
                            : "pools.volumes names no pool");
    return NULL;
}

const Cluster *
cmd_volume_pool(const Host *host,
                const char *command,
                const char *pool,
                const char **ret_pool)
{
    g_autoptr(GPtrArray) clusters = clusters_with(host, command, pool);
    const Cluster *cluster;

    if (!clusters)
        return NULL;
    if (pool && clusters->len > 1) {
        cmd_usage(command,
                  "which cluster's pool that is, --cluster has to say");
        return NULL;
    }
    cluster = g_ptr_array_index(clusters, 0);
    *ret_pool = pool ? pool : cluster_conf(cluster)->volume_pools[0];
    return cluster;
}

/* ---- the volume ------------------------------------------------------------------ */

/* NULL: not in that cluster. */
static char *
search_cluster(const Cluster *cluster, const CmdVolume *volume, GError **error)
{
    const char *const named[] = {volume->pool, NULL};
    const char *const *pools =
        volume->pool ? named
                     : (const char *const *)cluster_conf(cluster)->volume_pools;
    StoreCluster *store = cluster_store(cluster);
    char *pool = store_find_image(store, pools, volume->name, error);

    if (!pool && volume->going &&
        g_error_matches(*error, STORE_ERROR, STORE_ERROR_MISSING))
        pool = store_going_find(store, pools, volume->name);
    return pool;
}

static int
fail_missing(const CmdVolume *volume, const GError *missing)
{
    g_autoptr(GError) error = g_error_new(
        STORE_ERROR, STORE_ERROR_MISSING,
        "no volume '%s' in any of pools.volumes (remora volume list)",
        volume->name);

    return cmd_image_fail(NULL, volume->pool ? missing : error);
}

/* Where it is: volume->pool may be known. Gives what to exit with. */
static int
search(const char *command, GPtrArray *clusters, CmdVolume *volume)
{
    g_autoptr(GError) missing = NULL;
    g_autofree char *found = NULL;

    for (guint i = 0; i < clusters->len; i++) {
        Cluster *cluster = g_ptr_array_index(clusters, i);
        g_autoptr(GError) error = NULL;
        g_autofree char *pool = search_cluster(cluster, volume, &error);

        if (pool && found)
            return cmd_usage(command, "which cluster's volume that is, "
                                      "--cluster has to say");
        if (pool) {
            found = g_steal_pointer(&pool);
            volume->cluster = cluster;
        } else if (!g_error_matches(error, STORE_ERROR, STORE_ERROR_MISSING)) {
            return cmd_image_fail(NULL, error);
        } else if (!missing) {
            missing = g_steal_pointer(&error);
        }
    }
    if (!found)
        return fail_missing(volume, missing);
    g_free(volume->pool);
    volume->pool = g_steal_pointer(&found);
    return 0;
}

static int
find(const char *command, CmdVolume *volume)
{
    g_autoptr(GPtrArray) clusters =
        clusters_with(volume->host, command, volume->pool);
    int status = 0;

    if (!clusters)
        return 2;
    volume->cluster = g_ptr_array_index(clusters, 0);
    if (!volume->pool || clusters->len > 1)
        status = search(command, clusters, volume);
    volume->store = cluster_store(volume->cluster);
    return status;
}

int
cmd_volume_find(const CmdGlobals *globals,
                const char *command,
                const char *text,
                CmdVolume *ret_volume)
{
    const char *slash = strchr(text, '/');

    ret_volume->name = store_volume_name(slash ? slash + 1 : text);
    if (!ret_volume->name || slash == text)
        return cmd_usage(command,
                         "a volume is named as UUID, volume-UUID or POOL/UUID");
    if (slash)
        ret_volume->pool = g_strndup(text, (gsize)(slash - text));
    ret_volume->host = cmd_host(globals);
    return ret_volume->host ? find(command, ret_volume) : 1;
}

int
cmd_volume_only(const CmdGlobals *globals,
                const char *command,
                char *const *rest,
                CmdVolume *ret_volume)
{
    if (!rest[0] || rest[1])
        return cmd_usage(command, "one volume is needed");
    return cmd_volume_find(globals, command, rest[0], ret_volume);
}

char *
cmd_volume_new_name(const char *command, const char *id)
{
    g_autofree char *random = g_uuid_string_random();
    char *name = store_volume_name(id ? id : random);

    if (!name)
        cmd_usage(command, "the id is not a UUID");
    return name;
}

char *
cmd_volume_time(gint64 seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(seconds);

    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup("-");
}
