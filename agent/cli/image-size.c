/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image-size.c - remora image size: how large a clone is at least
 */
#include "config.h"

#include "agent/cli/image.h"

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
    g_auto(CmdImage) image = {0};
    g_autoptr(GError) error = NULL;
    guint64 size;
    int status = cmd_image_find(globals, "image size", rest, &image);

    if (status)
        return status;
    if (!store_image_size(image.cluster, image.pool, image.image, &size,
                          &error))
        return cmd_image_fail(NULL, error);
    printf(as_json ? "{\"size\": %" G_GUINT64_FORMAT "}\n"
                   : "%" G_GUINT64_FORMAT "\n",
           size);
    return 0;
}

const CmdVerb cmd_image_size = {
    .name = "image size",
    .arguments = "IMAGE",
    .summary = "Prints an image's size in bytes",
    .options = options,
    .run = run,
};
