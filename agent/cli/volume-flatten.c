/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-flatten.c - remora volume flatten: a volume stands alone
 */
#include "config.h"

#include "agent/cli/progress.h"
#include "agent/cli/volume.h"

#include <stdio.h>

static gboolean as_json;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdVolume) volume = {0};
    g_autoptr(GError) error = NULL;
    CmdProgress progress;
    bool flat = false;
    int status = cmd_volume_only(globals, "volume flatten", rest, &volume);

    if (status)
        return status;
    cmd_progress_begin(&progress);
    (void)store_volume_flatten(volume.store, volume.pool, volume.name,
                               cmd_progress_show, &progress, &flat, &error);
    cmd_progress_end(&progress);
    if (error)
        return cmd_image_fail(NULL, error);
    if (as_json)
        printf("{\"flattened\": %s}\n", flat ? "false" : "true");
    else
        printf("%s/%s: %s\n", volume.pool, volume.name,
               flat ? "stands alone already" : "flattened");
    return 0;
}

const CmdVerb cmd_volume_flatten = {
    .name = "volume flatten",
    .arguments = "VOLUME",
    .summary = "Makes a volume stand alone, without its parent",
    .options = options,
    .run = run,
};
