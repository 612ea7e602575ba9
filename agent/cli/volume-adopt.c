/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-adopt.c - remora volume adopt: an image becomes a volume
 */
#include "config.h"

#include "agent/cli/progress.h"
#include "agent/cli/volume.h"

#include <stdio.h>
#include <string.h>

#define COMMAND "volume adopt"

static char *wanted_id;
static gboolean as_json;

static const GOptionEntry options[] = {
    {"id", 'i', 0, G_OPTION_ARG_STRING, &wanted_id,
     "The volume's id; a new UUID if none is given", "UUID"},
    CMD_IMAGE_CLUSTER,
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static void
print(const char *pool, const char *name)
{
    const char *id = store_volume_uuid(name);

    if (as_json)
        printf("{\"id\": \"%s\", \"pool\": \"%s\"}\n", id, pool);
    else
        puts(id);
}

static int
adopt(const Host *host, const char *text, const char *name)
{
    const char *slash = strchr(text, '/');
    g_autofree char *named =
        slash ? g_strndup(text, (gsize)(slash - text)) : NULL;
    const char *image = slash ? slash + 1 : text;
    g_autoptr(GError) error = NULL;
    const char *pool = NULL;
    const Cluster *cluster;
    CmdProgress progress;

    if (!store_image_name_valid(image))
        return cmd_usage(COMMAND, "an image is needed, as NAME or POOL/NAME");
    cluster = cmd_volume_pool(host, COMMAND, named, &pool);
    if (!cluster)
        return 2;
    cmd_progress_begin(&progress);
    if (!store_volume_rename(cluster_store(cluster), pool, image, name, &error))
        return cmd_image_fail(NULL, error);
    print(pool, name);
    return 0;
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_autofree char *name = NULL;
    g_autoptr(Host) host = NULL;

    if (!rest[0] || rest[1])
        return cmd_usage(COMMAND, "one image is needed, as NAME or POOL/NAME");
    name = cmd_volume_new_name(COMMAND, wanted_id);
    if (!name)
        return 2;
    host = cmd_host(globals);
    return host ? adopt(host, rest[0], name) : 1;
}

const CmdVerb cmd_volume_adopt = {
    .name = COMMAND,
    .arguments = "[POOL/]NAME",
    .summary = "Makes a volume of an image that is there, without a copy",
    .options = options,
    .run = run,
};
