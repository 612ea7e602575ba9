/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-list.c - remora volume list: the volumes of the pools
 */
#include "config.h"

#include "agent/cli/volume.h"

static gboolean as_json;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static void
add_volume(CmdTable *table, const Cluster *cluster, const StoreVolume *volume)
{
    g_autofree char *size =
        as_json ? g_strdup_printf("%" G_GUINT64_FORMAT, volume->size)
                : cmd_size(volume->size);
    g_autofree char *snapshots = g_strdup_printf("%u", volume->n_snapshots);

    cmd_table_add(table, store_volume_uuid(volume->name), volume->pool, size,
                  store_volume_status_word(volume->status), snapshots,
                  volume->parent, cluster_name(cluster));
}

static gboolean
list_cluster(const Cluster *cluster, CmdTable *table, GError **error)
{
    char *const *pools = cluster_conf(cluster)->volume_pools;

    for (gsize p = 0; pools[p]; p++) {
        g_autoptr(GPtrArray) volumes =
            store_volume_list(cluster_store(cluster), pools[p], error);

        if (!volumes)
            return FALSE;
        for (guint i = 0; i < volumes->len; i++)
            add_volume(table, cluster, g_ptr_array_index(volumes, i));
    }
    return TRUE;
}

static CmdTable *
table_new(bool several)
{
    static const CmdColumn columns[] = {
        {"ID", CMD_TEXT},     {"POOL", CMD_TEXT},        {"SIZE", CMD_NUMBER},
        {"STATUS", CMD_TEXT}, {"SNAPSHOTS", CMD_NUMBER}, {"PARENT", CMD_TEXT},
        {NULL, CMD_TEXT},
    };

    return cmd_table_new_of_clusters(columns, "volumes", as_json, several);
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Host) host = cmd_host(globals);
    CmdTable *table;

    (void)rest;
    if (!host)
        return 1;
    g_autoptr(GPtrArray) clusters = cmd_image_clusters(host, "volume list");
    if (!clusters)
        return 2;
    table = table_new(host_clusters(host) > 1);
    for (guint i = 0; !error && i < clusters->len; i++)
        (void)list_cluster(g_ptr_array_index(clusters, i), table, &error);
    if (error) {
        cmd_table_free(table);
        return cmd_image_fail(NULL, error);
    }
    cmd_table_print(table);
    return 0;
}

const CmdVerb cmd_volume_list = {
    .name = "volume list",
    .arguments = "",
    .summary = "Lists the volumes",
    .options = options,
    .run = run,
};
