/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-to-image.c - remora volume to-image: an image is made of a volume
 */
#include "config.h"

#include "agent/cli/progress.h"
#include "agent/cli/target.h"
#include "agent/cli/volume.h"

#include <stdio.h>
#include <string.h>

#define COMMAND "volume to-image"

static char *wanted_id;
static char *wanted_pool;
static char *wanted_file;
static char *wanted_format;
static gboolean as_json;

static const GOptionEntry options[] = {
    {"id", 'i', 0, G_OPTION_ARG_STRING, &wanted_id,
     "The image's id; a new UUID if none is given", "UUID"},
    {"pool", 'p', 0, G_OPTION_ARG_STRING, &wanted_pool,
     "One of the configured image pools; the first if none is given", "POOL"},
    CMD_IMAGE_CLUSTER,
    {"file", 0, 0, G_OPTION_ARG_FILENAME, &wanted_file,
     "Write a file instead; - is standard output", "FILE"},
    {"format", 'f', 0, G_OPTION_ARG_STRING, &wanted_format,
     "What that file is to be: raw, or qcow2", "FORMAT"},
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static const char *
choose_pool(const CmdVolume *volume)
{
    char *const *pools = cluster_conf(volume->cluster)->image_pools;

    if (!wanted_pool)
        return pools[0];
    if (g_strv_contains((const char *const *)pools, wanted_pool))
        return wanted_pool;
    cmd_usage(COMMAND, "that pool is none of pools.images of the volume's "
                       "cluster");
    return NULL;
}

static int
make_image(const CmdVolume *volume, const char *snap, const char *id)
{
    const char *pool = choose_pool(volume);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) left = NULL;
    CmdProgress progress;
    guint64 size = 0;
    int status = 0;
    const StoreVolumeOrigin from = {
        .pool = volume->pool,
        .image = volume->name,
        .snap = snap,
        .progress = cmd_progress_show,
        .data = &progress,
    };

    if (!pool)
        return 2;
    cmd_progress_begin(&progress);
    (void)store_volume_to_image(volume->store, pool, id, &from, &size, &left,
                                &error);
    cmd_progress_end(&progress);
    if (error)
        status = cmd_image_fail(NULL, error);
    else if (as_json)
        printf("{\"id\": \"%s\", \"pool\": \"%s\", \"size\": %" //
               G_GUINT64_FORMAT "}\n",
               id, pool, size);
    else
        puts(id);
    return cmd_volume_left(status, "it is made", NULL, left);
}

static gboolean export(const CmdVolume *volume,
                       const char *snap,
                       CmdTarget *target,
                       guint64 *ret_size,
                       GError **ret_left,
                       GError **error)
{
    const StoreImageTarget to = cmd_target_begin(target);
    gboolean good =
        store_volume_export(volume->store, volume->pool, volume->name, snap,
                            &to, ret_size, ret_left, error);

    cmd_progress_end(&target->progress);
    return good;
}

/* A snapshot that is left is said besides, and does not make the file a bad one. */
static int
make_file(const CmdVolume *volume, const char *snap)
{
    g_auto(CmdTarget) target = {.fd = -1};
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) left = NULL;
    guint64 size = 0;
    int status = 0;

    if (!cmd_target_open(&target, wanted_file, wanted_format, &error) ||
        !export(volume, snap, &target, &size, &left, &error) ||
        !cmd_target_publish(&target, &error))
        status = cmd_image_fail(wanted_file, error);
    else if (as_json)
        printf("{\"size\": %" G_GUINT64_FORMAT "}\n", size);
    return cmd_volume_left(status, "it is written", wanted_file, left);
}

/* NULL: the options go together. */
static const char *
usage_error(void)
{
    if (!wanted_file)
        return wanted_format ? "a format goes with --file" : NULL;
    if (wanted_id || wanted_pool)
        return "a file has neither id nor pool";
    return cmd_target_check(wanted_file, wanted_format, as_json);
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(CmdVolume) volume = {0};
    const char *wrong = usage_error();
    const char *at = rest[0] ? strchr(rest[0], '@') : NULL;
    g_autofree char *snap = at ? store_snapshot_name(at + 1) : NULL;
    int status;

    if (wrong)
        return cmd_usage(COMMAND, wrong);
    if (!rest[0] || rest[1])
        return cmd_usage(COMMAND, "one volume, or a snapshot, is needed");
    if (at && !snap)
        return cmd_usage(COMMAND, "a snapshot of a volume is named as UUID or "
                                  "snapshot-UUID");
    g_autofree char *name =
        at ? g_strndup(rest[0], (gsize)(at - rest[0])) : g_strdup(rest[0]);
    g_autofree char *made = cmd_volume_new_name(COMMAND, wanted_id);
    if (!made)
        return 2;
    status = cmd_volume_find(globals, COMMAND, name, &volume);
    if (status)
        return status;
    if (wanted_file)
        return make_file(&volume, snap);
    return make_image(&volume, snap, store_volume_uuid(made));
}

const CmdVerb cmd_volume_to_image = {
    .name = COMMAND,
    .arguments = "VOLUME[@SNAPSHOT]",
    .summary = "Makes an image of a volume, within the cluster, or a file",
    .options = options,
    .run = run,
};
