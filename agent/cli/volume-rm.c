/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-rm.c - remora volume rm: a volume goes, as with Cinder
 */
#include "config.h"

#include "agent/cli/progress.h"
#include "agent/cli/show.h"
#include "agent/cli/volume.h"

static gboolean as_json;
static gboolean to_trash;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"trash", 't', 0, G_OPTION_ARG_NONE, &to_trash,
     "Move it to the trash as it is, with its snapshots", NULL},
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdVolume) volume = {.going = true};
    g_autoptr(GError) error = NULL;
    CmdProgress progress;
    StoreRemoved removed;
    int status = cmd_volume_only(globals, "volume rm", rest, &volume);

    if (status)
        return status;
    cmd_progress_begin(&progress);
    if (!store_volume_remove(volume.store, volume.pool, volume.name, to_trash,
                             &removed, &error))
        return cmd_image_fail(NULL, error);
    cmd_show_removed(volume.pool, volume.name, removed, as_json);
    return 0;
}

const CmdVerb cmd_volume_rm = {
    .name = "volume rm",
    .arguments = "VOLUME",
    .summary = "Removes a volume that nobody uses",
    .options = options,
    .run = run,
};
