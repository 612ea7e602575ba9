/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image-from-disk.c - remora image from-disk: what a guest's disk holds
 * becomes an image
 */
#include "config.h"

#include "agent/cli/domain.h"
#include "agent/cli/freeze.h"
#include "agent/cli/image.h"
#include "agent/cli/json.h"
#include "agent/cli/progress.h"

#include <stdio.h>

static char *wanted_id;
static char *wanted_pool;
static gboolean no_freeze;
static gboolean as_json;

static const GOptionEntry options[] = {
    {"id", 'i', 0, G_OPTION_ARG_STRING, &wanted_id,
     "The image's id; a new UUID if none is given", "UUID"},
    {"pool", 'p', 0, G_OPTION_ARG_STRING, &wanted_pool,
     "One of the configured image pools; that of the disk's image, or the "
     "first, if none is given",
     "POOL"},
    {"no-freeze", 0, 0, G_OPTION_ARG_NONE, &no_freeze,
     "Do not ask the guest agent to freeze the guest's file systems", NULL},
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

typedef struct {
    CmdProgress progress;
    CmdFreeze *freeze; /* NULL: it is not to be frozen */
    CmdDomain domain;
    bool frozen;
    char *why; /* why not, or NULL */
} FromDisk;

static void
from_disk_clear(FromDisk *from)
{
    cmd_freeze_free(from->freeze);
    cmd_domain_clear(&from->domain);
    g_free(from->why);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FromDisk, from_disk_clear)

/* ---- while it goes on ------------------------------------------------------------ */

static gboolean
freeze(gpointer data, GError **error)
{
    FromDisk *from = data;

    CmdFrozen frozen;

    if (!cmd_freeze_begin(from->freeze, from->domain.uri, from->domain.uuid,
                          CMD_BY_AGENT, &frozen, &from->why, error))
        return FALSE;
    from->frozen = frozen == CMD_IS_FROZEN;
    return TRUE;
}

static gboolean
thaw(gpointer data, GError **error)
{
    FromDisk *from = data;

    return !from->frozen || cmd_freeze_end(from->freeze, error);
}

static gboolean
show(guint64 done, guint64 total, gpointer data)
{
    FromDisk *from = data;

    return cmd_progress_show(done, total, &from->progress);
}

/* ---- which disk ------------------------------------------------------------------- */

/* As Nova has it: where the disk's own image is. NULL: that pool is none of
 * those for images. */
static const char *
choose_pool(const Cluster *cluster, const DomDisk *disk)
{
    const char *const *pools =
        (const char *const *)cluster_conf(cluster)->image_pools;

    if (wanted_pool)
        return g_strv_contains(pools, wanted_pool) ? wanted_pool : NULL;
    return disk->parent_pool && g_strv_contains(pools, disk->parent_pool)
               ? disk->parent_pool
               : pools[0];
}

/* ---- after ------------------------------------------------------------------------ */

static void
print(const FromDisk *from, const char *pool, const char *id, guint64 size)
{
    json_t *root;

    if (!as_json) {
        if (from->domain.active && !from->frozen)
            fprintf(stderr,
                    "remora: the image is as after a power cut: the guest "
                    "was not frozen%s%s\n",
                    from->why ? ": " : "", from->why ? from->why : "");
        puts(id);
        return;
    }
    root = json_pack("{s:s, s:s, s:I, s:b}", "id", id, "pool", pool, "size",
                     (json_int_t)size, "consistent",
                     from->frozen || !from->domain.active);
    cmd_json_print(root);
    json_decref(root);
}

static int
capture(FromDisk *from, Host *host, const DomDisk *disk, const char *about)
{
    g_autofree char *id =
        wanted_id ? g_strdup(wanted_id) : g_uuid_string_random();
    const char *pool = choose_pool(host_cluster_of(host, disk), disk);
    g_autoptr(GError) error = NULL;
    bool freezes = from->freeze && from->domain.active;
    const StoreCaptureSource source = {
        .pool = disk->pool,
        .image = disk->image,
        .freeze = freezes ? freeze : NULL,
        .thaw = freezes ? thaw : NULL,
        .progress = show,
        .data = from,
    };
    guint64 size = 0;
    gboolean done;

    if (!pool)
        return cmd_usage("image from-disk", "that pool is none of "
                                            "pools.images");
    cmd_progress_begin(&from->progress);
    done = store_image_capture(host_store_of(host, disk), pool, id, &source,
                               &size, &error);
    cmd_progress_end(&from->progress);
    if (!done)
        return cmd_image_fail(about, error);
    print(from, pool, id, size);
    return 0;
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(FromDisk) from = {0};
    g_autofree char *about = NULL;
    g_autoptr(GError) error = NULL;

    if (g_strv_length(rest) != 2)
        return cmd_usage("image from-disk",
                         "a domain and one of its disks are needed");
    if (wanted_id && !g_uuid_string_is_valid(wanted_id))
        return cmd_usage("image from-disk", "the id is not a UUID");
    about = g_strdup_printf("domain '%s'", rest[0]);
    if (!no_freeze && !(from.freeze = cmd_freeze_new(&error)))
        return cmd_fail(about, error);
    g_autoptr(Host) host = cmd_host(globals);
    if (!host)
        return 1;
    const DomDisk *disk = cmd_domain_read(host, rest[0], &from.domain, &error)
                              ? cmd_domain_disk(&from.domain, rest[1], &error)
                              : NULL;
    if (!disk)
        return cmd_fail(about, error);
    return capture(&from, host, disk, about);
}

const CmdVerb cmd_image_from_disk = {
    .name = "image from-disk",
    .arguments = "DOMAIN TARGET",
    .summary = "Adds an image of what a domain's disk holds now",
    .options = options,
    .run = run,
};
