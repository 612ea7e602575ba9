/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/trash-list.c - remora trash list: what is in the trash of the pools
 */
#include "config.h"

#include "agent/cli/show.h"
#include "agent/cli/trash.h"

#define COMMAND "trash list"

static gboolean as_json;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static char *
time_text(gint64 seconds)
{
    return as_json ? g_strdup_printf("%" G_GINT64_FORMAT, seconds)
                   : cmd_show_time(seconds);
}

static void
add_image(CmdTable *table, const CmdTrash *trash, const StoreTrashed *trashed)
{
    g_autofree char *size = cmd_trash_size(trashed, as_json != FALSE);
    g_autofree char *since = time_text(trashed->since);
    g_autofree char *until = time_text(trashed->until);

    cmd_table_add(table, trashed->image, trash->pool, trashed->id, size,
                  store_trash_source_word(trashed->source), since, until,
                  trashed->host, trashed->why, cluster_name(trash->cluster));
}

static gboolean
list_pool(CmdTable *table, const CmdTrash *trash, GError **error)
{
    g_autoptr(GPtrArray) all = store_trash_list_all(
        cluster_store(trash->cluster), trash->pool, false, NULL, error);

    for (guint i = 0; all && i < all->len; i++)
        add_image(table, trash, g_ptr_array_index(all, i));
    return all != NULL;
}

static CmdTable *
table_new(bool several)
{
    static const CmdColumn columns[] = {
        {"IMAGE", CMD_TEXT},     {"POOL", CMD_TEXT},   {"ID", CMD_TEXT},
        {"SIZE", CMD_NUMBER},    {"SOURCE", CMD_TEXT}, {"DELETED", CMD_NUMBER},
        {"EXPIRES", CMD_NUMBER}, {"HOST", CMD_TEXT},   {"WHY", CMD_TEXT},
        {NULL, CMD_TEXT},
    };

    return cmd_table_new_of_clusters(columns, "images", as_json, several);
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) pools = NULL;
    g_autoptr(Host) host = cmd_host(globals);
    CmdTable *table;

    if (!host)
        return 1;
    pools = cmd_trash_pools(host, COMMAND, rest);
    if (!pools)
        return 2;
    table = table_new(host_clusters(host) > 1);
    for (guint i = 0; !error && i < pools->len; i++)
        (void)list_pool(table, &g_array_index(pools, CmdTrash, i), &error);
    if (error) {
        cmd_table_free(table);
        return cmd_image_fail(NULL, error);
    }
    cmd_table_print(table);
    return 0;
}

const CmdVerb cmd_trash_list = {
    .name = COMMAND,
    .arguments = "[POOL]",
    .summary = "Lists what is in the trash of the pools",
    .options = options,
    .run = run,
};
