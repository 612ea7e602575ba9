/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/trash.c - what the verbs of 'remora trash' share
 */
#include "config.h"

#include "agent/cli/trash.h"

static void
add_pools(GArray *pools, const Cluster *cluster, const char *named)
{
    g_autoptr(GPtrArray) names = cmd_image_pools(cluster);

    for (guint i = 0; i < names->len; i++) {
        const CmdTrash one = {cluster, g_ptr_array_index(names, i)};

        if (!named || g_str_equal(named, one.pool))
            g_array_append_val(pools, one);
    }
}

static const char *
refusal(const GArray *pools, const char *named)
{
    if (pools->len == 0)
        return "that pool is none of the configured ones";
    return named && pools->len > 1
               ? "which cluster's pool that is, --cluster has to say"
               : NULL;
}

GArray *
cmd_trash_pools(const Host *host, const char *command, char *const *rest)
{
    g_autoptr(GPtrArray) clusters = NULL;
    g_autoptr(GArray) pools = g_array_new(FALSE, FALSE, sizeof(CmdTrash));
    const char *why;

    if (rest[0] && rest[1]) {
        cmd_usage(command, "one pool is taken, or none");
        return NULL;
    }
    clusters = cmd_image_clusters(host, command);
    if (!clusters)
        return NULL;
    for (guint i = 0; i < clusters->len; i++)
        add_pools(pools, g_ptr_array_index(clusters, i), rest[0]);
    why = refusal(pools, rest[0]);
    if (!why)
        return g_steal_pointer(&pools);
    cmd_usage(command, why);
    return NULL;
}

char *
cmd_trash_size(const StoreTrashed *trashed, bool json)
{
    if (!trashed->opens)
        return NULL;
    return json ? g_strdup_printf("%" G_GUINT64_FORMAT, trashed->size)
                : cmd_size(trashed->size);
}
