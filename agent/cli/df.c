/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/df.c - remora df: how full the pools are
 */
#include "config.h"

#include "agent/cli/image.h"

static gboolean as_json;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static char *
size_text(guint64 bytes, bool known)
{
    if (!known)
        return NULL;
    return as_json ? g_strdup_printf("%" G_GUINT64_FORMAT, bytes)
                   : cmd_size(bytes);
}

static void
add_pool(CmdTable *table, const Cluster *cluster, const StorePool *pool)
{
    g_autofree char *total = size_text(pool->total, true);
    g_autofree char *used = size_text(pool->used, true);
    g_autofree char *available = size_text(pool->free, true);
    g_autofree char *quota = size_text(pool->quota, pool->quota > 0);
    g_autofree char *provisioned = size_text(pool->provisioned, pool->counted);
    g_autofree char *trash = size_text(pool->trash, pool->counted);
    g_autofree char *images =
        pool->counted ? g_strdup_printf("%" G_GUINT64_FORMAT, pool->images)
                      : NULL;

    cmd_table_add(table, pool->name, total, used, available, quota, images,
                  provisioned, trash, cluster_name(cluster));
}

/* ---- which pools ----------------------------------------------------------------- */

/* Those that are named, of several clusters each in those that have it. */
static GPtrArray *
choose(const Cluster *cluster, char *const *named, bool any)
{
    g_autoptr(GPtrArray) names = cmd_image_pools(cluster);
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();

    if (!named[0])
        return g_steal_pointer(&names);
    for (; *named; named++)
        if (any ||
            g_ptr_array_find_with_equal_func(names, *named, g_str_equal, NULL))
            g_ptr_array_add(chosen, *named);
    return g_steal_pointer(&chosen);
}

/* One that none of several clusters has, or NULL. */
static const char *
find_unknown(const GPtrArray *clusters, char *const *named)
{
    for (; clusters->len > 1 && *named; named++) {
        char *const one[] = {*named, NULL};
        guint found = 0;

        for (guint i = 0; i < clusters->len; i++) {
            g_autoptr(GPtrArray) chosen =
                choose(g_ptr_array_index(clusters, i), one, false);

            found += chosen->len;
        }
        if (found == 0)
            return *named;
    }
    return NULL;
}

/* ---- the verb -------------------------------------------------------------------- */

static gboolean
add_pools(CmdTable *table,
          const Cluster *cluster,
          GPtrArray *names,
          GError **error)
{
    g_autoptr(GPtrArray) pools = NULL;

    if (names->len == 0)
        return TRUE;
    g_ptr_array_add(names, NULL);
    pools = store_pools_read(cluster_store(cluster),
                             (const char *const *)names->pdata, error);
    for (guint i = 0; pools && i < pools->len; i++)
        add_pool(table, cluster, g_ptr_array_index(pools, i));
    return pools != NULL;
}

static CmdTable *
table_new(bool several)
{
    static const CmdColumn columns[] = {
        {"POOL", CMD_TEXT},
        {"TOTAL", CMD_NUMBER},
        {"USED", CMD_NUMBER},
        {"FREE", CMD_NUMBER},
        {"QUOTA", CMD_NUMBER},
        {"IMAGES", CMD_NUMBER},
        {"PROVISIONED", CMD_NUMBER},
        {"TRASH", CMD_NUMBER},
        {NULL, CMD_TEXT},
    };

    return cmd_table_new_of_clusters(columns, "pools", as_json, several);
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Host) host = cmd_host(globals);
    CmdTable *table;
    gboolean good = TRUE;

    if (!host)
        return 1;
    g_autoptr(GPtrArray) clusters = cmd_image_clusters(host, "df");
    if (!clusters)
        return 2;
    if (find_unknown(clusters, rest))
        return cmd_usage("df", "which cluster's pool that is, --cluster has to "
                               "say");
    table = table_new(host_clusters(host) > 1);
    for (guint i = 0; good && i < clusters->len; i++) {
        const Cluster *cluster = g_ptr_array_index(clusters, i);
        g_autoptr(GPtrArray) names = choose(cluster, rest, clusters->len == 1);

        good = add_pools(table, cluster, names, &error);
    }
    if (!good) {
        cmd_table_free(table);
        return cmd_image_fail(NULL, error);
    }
    cmd_table_print(table);
    return 0;
}

const CmdVerb cmd_df = {
    .name = "df",
    .arguments = "[POOL...]",
    .summary = "Shows how full the pools are",
    .options = options,
    .run = run,
};
