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

static char *const *
volume_pools(const Cluster *cluster)
{
    return cluster_conf(cluster)->volume_pools;
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

static int
search(const char *command, const GPtrArray *clusters, CmdVolume *volume)
{
    const CmdSought sought = {"volume", volume_pools, volume->pool,
                              volume->name, volume->going};
    g_autoptr(GError) missing = NULL;
    char *pool = NULL;
    int status = cmd_image_search(command, clusters, &sought, &volume->cluster,
                                  &pool, &missing);

    if (status)
        return status < 0 ? fail_missing(volume, missing) : status;
    g_free(volume->pool);
    volume->pool = pool;
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

int
cmd_volume_left(int status,
                const char *done,
                const char *prefix,
                const GError *left)
{
    g_autoptr(GError) said = left ? g_error_copy(left) : NULL;
    int also;

    if (!said)
        return status;
    if (!status)
        g_prefix_error(&said, "%s, but ", done);
    also = cmd_image_fail(prefix, said);
    return status ? status : also;
}
