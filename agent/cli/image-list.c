/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image-list.c - remora image list: what domains can be given clones of
 */
#include "config.h"

#include "agent/cli/cmd.h"

static gboolean
list_pool(const Cluster *cluster,
          const char *pool,
          CmdTable *table,
          GError **error)
{
    g_autoptr(GPtrArray) images =
        store_image_list(cluster_store(cluster), pool, error);

    for (guint i = 0; images && i < images->len; i++) {
        const StoreImage *image = g_ptr_array_index(images, i);
        g_autofree char *size = cmd_size(image->size);
        g_autofree char *clones = image->children_known
                                      ? g_strdup_printf("%u", image->children)
                                      : g_strdup("?");

        cmd_table_add(table, image->image, pool, size,
                      image->protected_snap ? "yes" : "no", clones);
    }
    return images != NULL;
}

static gboolean
list_all(Host *host, CmdTable *table, GError **error)
{
    for (guint i = 0; i < host_clusters(host); i++) {
        const Cluster *cluster = host_cluster(host, i);
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
    static const char *const headings[] = {"ID",        "POOL",   "SIZE",
                                           "PROTECTED", "CLONES", NULL};
    g_autoptr(GError) error = NULL;
    gboolean good;

    (void)rest;
    g_autoptr(Host) host = cmd_host(globals);
    if (!host)
        return 1;
    CmdTable *table = cmd_table_new(headings);
    good = list_all(host, table, &error);
    cmd_table_print(table);
    return good ? 0 : cmd_fail(NULL, error);
}

const CmdVerb cmd_image_list = {
    .name = "image list",
    .arguments = "",
    .summary = "Lists the images that domains can be given clones of",
    .run = run,
};
