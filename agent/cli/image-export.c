/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image-export.c - remora image export: an image becomes a file
 */
#include "config.h"

#include "agent/cli/image.h"
#include "agent/cli/target.h"

#include <stdio.h>

#define COMMAND "image export"

static char *wanted_format;
static gboolean as_json;

static const GOptionEntry options[] = {
    CMD_IMAGE_CLUSTER,
    {"format", 'f', 0, G_OPTION_ARG_STRING, &wanted_format,
     "What the file is to be: raw, or qcow2", "FORMAT"},
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static gboolean
write_image(const CmdImage *image,
            CmdTarget *target,
            guint64 *ret_size,
            GError **error)
{
    const StoreImageTarget to = cmd_target_begin(target);
    gboolean good = store_image_export(
        image->cluster, image->pool, image->image, NULL, &to, ret_size, error);

    cmd_progress_end(&target->progress);
    return good;
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdImage) image = {0};
    g_auto(CmdTarget) target = {.fd = -1};
    g_autoptr(GError) error = NULL;
    char *const named[] = {rest[0], NULL};
    const char *wrong;
    guint64 size = 0;
    int status;

    if (g_strv_length(rest) != 2)
        return cmd_usage(COMMAND,
                         "an image, and a file or - for standard output, are "
                         "needed");
    wrong = cmd_target_check(rest[1], wanted_format, as_json);
    if (wrong)
        return cmd_usage(COMMAND, wrong);
    status = cmd_image_find(globals, COMMAND, named, &image);
    if (status)
        return status;
    if (!cmd_target_open(&target, rest[1], wanted_format, &error) ||
        !write_image(&image, &target, &size, &error) ||
        !cmd_target_publish(&target, &error))
        return cmd_image_fail(rest[1], error);
    if (as_json)
        printf("{\"size\": %" G_GUINT64_FORMAT "}\n", size);
    return 0;
}

const CmdVerb cmd_image_export = {
    .name = COMMAND,
    .arguments = "IMAGE FILE|-",
    .summary = "Writes an image's content to a new file, without its zeroes",
    .options = options,
    .run = run,
};
