/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-resize.c - remora volume resize: a volume gets another size
 */
#include "config.h"

#include "agent/cli/progress.h"
#include "agent/cli/volume.h"
#include "conf/conf-units.h"

#include <stdio.h>

static gboolean as_json;
static gboolean may_shrink;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"shrink", 0, 0, G_OPTION_ARG_NONE, &may_shrink,
     "Make it smaller, too: what lies behind the new end is lost", NULL},
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static void
print(const CmdVolume *volume, guint64 before, guint64 size)
{
    g_autofree char *was = cmd_size(before);
    g_autofree char *is = cmd_size(size);

    if (as_json)
        printf("{\"before\": %" G_GUINT64_FORMAT ", \"size\": %" //
               G_GUINT64_FORMAT "}\n",
               before, size);
    else if (before == size)
        printf("%s/%s: has %s\n", volume->pool, volume->name, is);
    else
        printf("%s/%s: resized from %s to %s\n", volume->pool, volume->name,
               was, is);
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdVolume) volume = {0};
    g_autoptr(GError) error = NULL;
    CmdProgress progress;
    guint64 before = 0;
    guint64 size = 0;
    int status;

    if (g_strv_length(rest) != 2)
        return cmd_usage("volume resize", "a volume and a size are needed");
    if (!conf_size_parse(rest[1], &size) || size == 0)
        return cmd_usage("volume resize", "the size is none, or has no unit: "
                                          "write it as in '10 GiB'");
    status = cmd_volume_find(globals, "volume resize", rest[0], &volume);
    if (status)
        return status;
    cmd_progress_begin(&progress);
    (void)store_volume_resize(volume.store, volume.pool, volume.name, size,
                              may_shrink != FALSE, cmd_progress_show, &progress,
                              &before, &error);
    cmd_progress_end(&progress);
    if (error)
        return cmd_image_fail(NULL, error);
    print(&volume, before, size);
    return 0;
}

const CmdVerb cmd_volume_resize = {
    .name = "volume resize",
    .arguments = "VOLUME SIZE",
    .summary = "Gives a volume that nobody uses another size",
    .options = options,
    .run = run,
};
