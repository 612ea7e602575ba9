/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image-rm.c - remora image rm: an image goes, as with Glance
 */
#include "config.h"

#include "agent/cli/image.h"
#include "agent/cli/progress.h"
#include "agent/cli/show.h"

static gboolean as_json;
static gboolean to_trash;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"trash", 't', 0, G_OPTION_ARG_NONE, &to_trash,
     "Move it to the trash if it has clones, which keep it there", NULL},
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdImage) image = {.going = true};
    g_autoptr(GError) error = NULL;
    CmdProgress progress;
    StoreRemoved removed;
    int status = cmd_image_find(globals, "image rm", rest, &image);

    if (status)
        return status;
    cmd_progress_begin(&progress);
    if (!store_image_remove(image.cluster, image.pool, image.image, to_trash,
                            &removed, &error))
        return cmd_image_fail(NULL, error);
    cmd_show_removed(image.pool, image.image, removed, as_json);
    return 0;
}

const CmdVerb cmd_image_rm = {
    .name = "image rm",
    .arguments = "IMAGE",
    .summary = "Removes an image that has no clones",
    .options = options,
    .run = run,
};
