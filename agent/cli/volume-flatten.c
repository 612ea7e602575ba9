/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-flatten.c - remora volume flatten: a volume stands alone
 */
#include "config.h"

#include "agent/cli/progress.h"
#include "agent/cli/volume.h"

#include <stdio.h>

static gboolean as_json;
static gboolean waits;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"wait", 'w', 0, G_OPTION_ARG_NONE, &waits,
     "Wait until the cluster has done it, and show how far it is", NULL},
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static void
print(const CmdVolume *volume, StoreVolumeFlat flat)
{
    static const char *const words[] = {
        [STORE_VOLUME_FLATTENED] = "flattened",
        [STORE_VOLUME_WAS_FLAT] = "stands alone already",
        [STORE_VOLUME_IN_QUEUE] = "the cluster's task queue flattens it (ceph "
                                  "rbd task list)",
    };

    if (as_json)
        printf("{\"flattened\": %s, \"queued\": %s}\n",
               flat == STORE_VOLUME_FLATTENED ? "true" : "false",
               flat == STORE_VOLUME_IN_QUEUE ? "true" : "false");
    else
        printf("%s/%s: %s\n", volume->pool, volume->name, words[flat]);
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdVolume) volume = {0};
    g_autoptr(GError) error = NULL;
    CmdProgress progress;
    StoreVolumeFlat flat = STORE_VOLUME_WAS_FLAT;
    int status = cmd_volume_only(globals, "volume flatten", rest, &volume);

    if (status)
        return status;
    cmd_progress_begin(&progress);
    (void)store_volume_flatten(volume.store, volume.pool, volume.name,
                               waits != FALSE, cmd_progress_show, &progress,
                               &flat, &error);
    cmd_progress_end(&progress);
    if (error)
        return cmd_image_fail(NULL, error);
    print(&volume, flat);
    /* It waits without being told to, too. */
    return flat == STORE_VOLUME_IN_QUEUE &&
                   (waits || cmd_progress_interrupted())
               ? 1
               : 0;
}

const CmdVerb cmd_volume_flatten = {
    .name = "volume flatten",
    .arguments = "VOLUME",
    .summary = "Makes a volume stand alone, without its parent",
    .options = options,
    .run = run,
};
