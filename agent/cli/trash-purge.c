/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/trash-purge.c - remora trash purge: what was there long enough goes
 */
#include "config.h"

#include "agent/cli/progress.h"
#include "agent/cli/trash.h"

#define COMMAND "trash purge"

static gboolean as_json;
static gboolean dry_run;
static gboolean waits;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run,
     "Only print what would be removed", NULL},
    {"wait", 'w', 0, G_OPTION_ARG_NONE, &waits,
     "Wait until the cluster has done it, and show how far it is", NULL},
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* How many images ended how. */
typedef struct {
    guint left;
    guint failed;
    guint leaves;   /* are gone, but something that was behind them is not */
    guint not_done; /* not begun, or not ended though it was waited for */
    guint pools;    /* not looked through, for it was interrupted before */
} Ends;

static const char *
word(StorePurgeEnd end)
{
    static const char *const words[] = {
        [STORE_PURGE_DUE] = "expired",   [STORE_PURGE_PENDING] = "pending",
        [STORE_PURGE_QUEUED] = "queued", [STORE_PURGE_GONE] = "removed",
        [STORE_PURGE_LEFT] = "left",     [STORE_PURGE_FAILED] = "failed",
    };

    return words[end];
}

static void
count(Ends *ends, const StorePurged *purged)
{
    StorePurgeEnd end = purged->end;

    ends->leaves += purged->leaves ? 1 : 0;
    ends->left += end == STORE_PURGE_LEFT ? 1 : 0;
    ends->failed += end == STORE_PURGE_FAILED ? 1 : 0;
    ends->not_done += (end == STORE_PURGE_DUE && !dry_run) ||
                              (end == STORE_PURGE_QUEUED && waits)
                          ? 1
                          : 0;
}

static void
add_image(CmdTable *table, const CmdTrash *trash, const StorePurged *purged)
{
    g_autofree char *size = cmd_trash_size(purged->trashed, as_json != FALSE);

    cmd_table_add(table, purged->trashed->image, trash->pool,
                  purged->trashed->id, size, word(purged->end), purged->why,
                  cluster_name(trash->cluster));
}

static gboolean
purge_pool(CmdTable *table,
           const CmdTrash *trash,
           GHashTable *first,
           CmdProgress *progress,
           Ends *ends,
           GError **error)
{
    const StorePurgeHow how = {.dry_run = dry_run != FALSE,
                               .first = first,
                               .wait = waits != FALSE,
                               .progress = cmd_progress_show,
                               .data = progress,
                               .stopped = cmd_progress_interrupted};
    g_autoptr(GPtrArray) all = store_volume_purge(cluster_store(trash->cluster),
                                                  trash->pool, &how, error);

    for (guint i = 0; all && i < all->len; i++) {
        const StorePurged *purged = g_ptr_array_index(all, i);

        count(ends, purged);
        add_image(table, trash, purged);
    }
    return all != NULL;
}

static CmdTable *
table_new(bool several)
{
    static const CmdColumn columns[] = {
        {"IMAGE", CMD_TEXT},  {"POOL", CMD_TEXT},   {"ID", CMD_TEXT},
        {"SIZE", CMD_NUMBER}, {"RESULT", CMD_TEXT}, {"WHY", CMD_TEXT},
        {NULL, CMD_TEXT},
    };

    return cmd_table_new_of_clusters(columns, "images", as_json, several);
}

/* What was done is printed whatever has failed then. */
static int
report(const Ends *ends, const GError *broken)
{
    g_autoptr(GError) error = NULL;

    if (broken)
        return cmd_image_fail(NULL, broken);
    if (ends->pools > 0)
        g_set_error(&error, STORE_ERROR, STORE_ERROR_FAILED,
                    "interrupted, %u of the pools not looked through: call it "
                    "again (remora trash purge)",
                    ends->pools);
    else if (ends->failed + ends->not_done > 0)
        g_set_error(&error, STORE_ERROR, STORE_ERROR_FAILED,
                    "not all that had to be kept until now is removed, %u to "
                    "go: call it again (remora trash purge --wait)",
                    ends->failed + ends->not_done);
    else if (ends->leaves > 0)
        g_set_error(&error, STORE_ERROR, STORE_ERROR_FAILED,
                    "all that could go is removed, but not the snapshots of %u "
                    "clones: the table says what removes them",
                    ends->leaves);
    else if (ends->left > 0)
        g_set_error(&error, STORE_ERROR, STORE_ERROR_BUSY,
                    "not all that had to be kept until now is removed, %u in "
                    "use: the table says by what",
                    ends->left);
    return error ? cmd_image_fail(NULL, error) : 0;
}

/* What would have gone is known by numbers of its cluster. */
static void
renew(GHashTable **first)
{
    g_clear_pointer(first, g_hash_table_unref);
    *first = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

/* Of an interrupted --dry-run nothing else says that it was. */
static void
purge_pools(CmdTable *table,
            const GArray *pools,
            CmdProgress *progress,
            Ends *ends,
            GError **error)
{
    g_autoptr(GHashTable) first = NULL;
    const Cluster *cluster = NULL;

    ends->pools = pools->len;
    for (guint i = 0; i < pools->len && !cmd_progress_interrupted(); i++) {
        const CmdTrash *trash = &g_array_index(pools, CmdTrash, i);

        if (dry_run && trash->cluster != cluster)
            renew(&first);
        cluster = trash->cluster;
        if (!purge_pool(table, trash, first, progress, ends, error))
            return;
        ends->pools -= dry_run && cmd_progress_interrupted() ? 0 : 1;
    }
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) pools = NULL;
    g_autoptr(Host) host = cmd_host(globals);
    CmdProgress progress;
    CmdTable *table;
    Ends ends = {0};

    if (!host)
        return 1;
    pools = cmd_trash_pools(host, COMMAND, rest);
    if (!pools)
        return 2;
    table = table_new(host_clusters(host) > 1);
    cmd_progress_begin(&progress);
    purge_pools(table, pools, &progress, &ends, &error);
    cmd_progress_end(&progress);
    cmd_table_print(table);
    return report(&ends, error);
}

const CmdVerb cmd_trash_purge = {
    .name = COMMAND,
    .arguments = "[POOL]",
    .summary = "Removes from the trash what was to be kept until now",
    .options = options,
    .run = run,
};
