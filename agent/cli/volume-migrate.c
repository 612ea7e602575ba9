/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-migrate.c - remora volume migrate: a volume moves to a pool
 */
#include "config.h"

#include "agent/cli/progress.h"
#include "agent/cli/volume.h"

#include <stdio.h>

#define COMMAND "volume migrate"

static gboolean as_json;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

/* A StoreProgress: data is the CmdProgress. librbd does not end it (rbd/volume/
 * migrate.c), which who has interrupted it is told once. */
static gboolean
show(guint64 done, guint64 total, gpointer data)
{
    static gint told;
    const CmdProgress *progress = data;

    if (!cmd_progress_show(done, total, data) &&
        g_atomic_int_compare_and_exchange(&told, 0, 1))
        fprintf(
            stderr,
            "%sremora: librbd cannot stop the copy, which goes on to its "
            "end; if this is killed, the volume is whole, and the same call "
            "goes on\n",
            progress->drawn ? "\n" : "");
    return TRUE;
}

static void
print(const CmdVolume *volume, const char *to, bool moved)
{
    if (as_json)
        printf("{\"pool\": \"%s\", \"moved\": %s}\n", to,
               moved ? "true" : "false");
    else
        printf("%s/%s: %s\n", to, volume->name,
               moved ? "moved there" : "is there already");
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdVolume) volume = {0};
    g_autoptr(GError) error = NULL;
    CmdProgress progress;
    bool moved = false;
    char *const *pools;
    int status;

    if (g_strv_length(rest) != 2)
        return cmd_usage(COMMAND, "a volume and a pool are needed");
    status = cmd_volume_find(globals, COMMAND, rest[0], &volume);
    if (status)
        return status;
    pools = cluster_conf(volume.cluster)->volume_pools;
    if (!g_strv_contains((const char *const *)pools, rest[1]))
        return cmd_usage(COMMAND, "that pool is none of pools.volumes of the "
                                  "volume's cluster");
    cmd_progress_begin(&progress);
    (void)store_volume_migrate(volume.store, volume.pool, volume.name, rest[1],
                               show, &progress, &moved, &error);
    cmd_progress_end(&progress);
    if (error)
        return cmd_image_fail(NULL, error);
    print(&volume, rest[1], moved);
    return 0;
}

const CmdVerb cmd_volume_migrate = {
    .name = COMMAND,
    .arguments = "VOLUME POOL",
    .summary = "Moves a volume that nobody uses to another pool",
    .options = options,
    .run = run,
};
