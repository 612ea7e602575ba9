/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-sparsify.c - remora volume sparsify: zeroes take no space
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
    int status = cmd_volume_only(globals, "volume sparsify", rest, &volume);

    if (status)
        return status;
    cmd_progress_begin(&progress);
    (void)store_volume_sparsify(volume.store, volume.pool, volume.name,
                                cmd_progress_show, &progress, &error);
    cmd_progress_end(&progress);
    if (error)
        return cmd_image_fail(NULL, error);
    if (as_json)
        puts("{\"sparsified\": true}");
    else
        printf("%s/%s: sparsified\n", volume.pool, volume.name);
    return 0;
}

const CmdVerb cmd_volume_sparsify = {
    .name = "volume sparsify",
    .arguments = "VOLUME",
    .summary = "Gives back the space that a volume's zeroes take",
    .options = options,
    .run = run,
};
