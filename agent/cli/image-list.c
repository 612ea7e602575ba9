/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image-list.c - remora image list: what domains can be given clones of
 */
#include "config.h"

#include "agent/cli/image.h"

static gboolean as_json;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static void
add_image(CmdTable *table,
          const Cluster *cluster,
          const char *pool,
          const StoreImage *image)
{
    g_autofree char *size =
        as_json ? g_strdup_printf("%" G_GUINT64_FORMAT, image->size)
                : cmd_size(image->size);
    g_autofree char *clones = image->children_known
                                  ? g_strdup_printf("%u", image->children)
                                  : g_strdup(as_json ? "" : "?");
    const char *flag = image->protected_snap ? "yes" : "no";

    if (as_json)
        flag = image->protected_snap ? "1" : "0";
    cmd_table_add(table, image->image, pool, size, flag, clones,
                  cluster_name(cluster));
}

static gboolean
list_pool(const Cluster *cluster,
          const char *pool,
          CmdTable *table,
          GError **error)
{
    g_autoptr(GPtrArray) images =
        store_image_list(cluster_store(cluster), pool, error);

    for (guint i = 0; images && i < images->len; i++)
        add_image(table, cluster, pool, g_ptr_array_index(images, i));
    return images != NULL;
}

static gboolean
list_all(const GPtrArray *clusters, CmdTable *table, GError **error)
{
    for (guint i = 0; i < clusters->len; i++) {
        const Cluster *cluster = g_ptr_array_index(clusters, i);
        char *const *pools = cluster_conf(cluster)->image_pools;

        for (gsize p = 0; pools[p]; p++)
            if (!list_pool(cluster, pools[p], table, error))
                return FALSE;
    }
    return TRUE;
}

static int
run(const CmdGlobals *globals, char **rest)
{
    static const CmdColumn columns[] = {
        {"ID", CMD_TEXT},        {"POOL", CMD_TEXT},     {"SIZE", CMD_NUMBER},
        {"PROTECTED", CMD_FLAG}, {"CLONES", CMD_NUMBER}, {NULL, CMD_TEXT},
    };
    g_autoptr(GError) error = NULL;

    (void)rest;
    g_autoptr(Host) host = cmd_host(globals);
    if (!host)
        return 1;
    g_autoptr(GPtrArray) clusters = cmd_image_clusters(host, "image list");
    if (!clusters)
        return 2;
    CmdTable *table = cmd_table_new_of_clusters(columns, "images", as_json,
                                                host_clusters(host) > 1);
    if (!list_all(clusters, table, &error)) {
        cmd_table_free(table);
        return cmd_image_fail(NULL, error);
    }
    cmd_table_print(table);
    return 0;
}

const CmdVerb cmd_image_list = {
    .name = "image list",
    .arguments = "",
    .summary = "Lists the images that domains can be given clones of",
    .options = options,
    .run = run,
};
