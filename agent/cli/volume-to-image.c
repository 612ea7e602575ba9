/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-to-image.c - remora volume to-image: an image is made of a volume
 */
#include "config.h"

#include "agent/cli/progress.h"
#include "agent/cli/volume.h"

#include <stdio.h>
#include <string.h>

#define COMMAND "volume to-image"

static char *wanted_id;
static char *wanted_pool;
static gboolean as_json;

static const GOptionEntry options[] = {
    {"id", 'i', 0, G_OPTION_ARG_STRING, &wanted_id,
     "The image's id; a new UUID if none is given", "UUID"},
    {"pool", 'p', 0, G_OPTION_ARG_STRING, &wanted_pool,
     "One of the configured image pools; the first if none is given", "POOL"},
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static const char *
choose_pool(const CmdVolume *volume)
{
    char *const *pools = cluster_conf(volume->cluster)->image_pools;

    if (!wanted_pool)
        return pools[0];
    if (g_strv_contains((const char *const *)pools, wanted_pool))
        return wanted_pool;
    cmd_usage(COMMAND, "that pool is none of pools.images of the volume's "
                       "cluster");
    return NULL;
}

static int
make_image(const CmdVolume *volume, const char *snap, const char *id)
{
    const char *pool = choose_pool(volume);
    g_autoptr(GError) error = NULL;
    CmdProgress progress;
    guint64 size = 0;
    const StoreVolumeOrigin from = {
        .pool = volume->pool,
        .image = volume->name,
        .snap = snap,
        .progress = cmd_progress_show,
        .data = &progress,
    };

    if (!pool)
        return 2;
    cmd_progress_begin(&progress);
    (void)store_volume_to_image(volume->store, pool, id, &from, &size, &error);
    cmd_progress_end(&progress);
    if (error)
        return cmd_image_fail(NULL, error);
    if (as_json)
        printf("{\"id\": \"%s\", \"pool\": \"%s\", \"size\": %" //
               G_GUINT64_FORMAT "}\n",
               id, pool, size);
    else
        puts(id);
    return 0;
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdVolume) volume = {0};
    const char *at = rest[0] ? strchr(rest[0], '@') : NULL;
    g_autofree char *snap = at ? store_snapshot_name(at + 1) : NULL;
    int status;

    if (!rest[0] || rest[1])
        return cmd_usage(COMMAND, "one volume, or a snapshot, is needed");
    if (at && !snap)
        return cmd_usage(COMMAND, "a snapshot of a volume is named as UUID or "
                                  "snapshot-UUID");
    g_autofree char *name =
        at ? g_strndup(rest[0], (gsize)(at - rest[0])) : g_strdup(rest[0]);
    g_autofree char *made = cmd_volume_new_name(COMMAND, wanted_id);
    if (!made)
        return 2;
    status = cmd_volume_find(globals, COMMAND, name, &volume);
    return status ? status : make_image(&volume, snap, store_volume_uuid(made));
}

const CmdVerb cmd_volume_to_image = {
    .name = COMMAND,
    .arguments = "VOLUME[@SNAPSHOT]",
    .summary = "Makes an image of a volume, within the cluster",
    .options = options,
    .run = run,
};
