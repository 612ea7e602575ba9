/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-release.c - remora volume release: a volume is one no more
 */
#include "config.h"

#include "agent/cli/progress.h"
#include "agent/cli/volume.h"

#include <stdio.h>

#define COMMAND "volume release"

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
    int status;

    if (g_strv_length(rest) != 2)
        return cmd_usage(COMMAND, "a volume and a new name are needed");
    if (!store_image_name_valid(rest[1]) || store_volume_uuid(rest[1]))
        return cmd_usage(COMMAND,
                         "the new name is none, or a volume's: letters, "
                         "digits and any of '._-' are allowed");
    status = cmd_volume_find(globals, COMMAND, rest[0], &volume);
    if (status)
        return status;
    cmd_progress_begin(&progress);
    if (!store_volume_rename(volume.store, volume.pool, volume.name, rest[1],
                             &error))
        return cmd_image_fail(NULL, error);
    if (as_json)
        printf("{\"image\": \"%s\", \"pool\": \"%s\"}\n", rest[1], volume.pool);
    else
        printf("%s/%s: is now %s/%s\n", volume.pool, volume.name, volume.pool,
               rest[1]);
    return 0;
}

const CmdVerb cmd_volume_release = {
    .name = COMMAND,
    .arguments = "VOLUME NAME",
    .summary = "Gives a volume another name, under which Cinder forgets it",
    .options = options,
    .run = run,
};
