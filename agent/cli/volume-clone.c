/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume-clone.c - remora volume clone: a volume is made of what there is
 */
#include "config.h"

#include "agent/cli/progress.h"
#include "agent/cli/volume.h"
#include "conf/conf-units.h"

#include <stdio.h>
#include <string.h>

#define COMMAND "volume clone"

static char *wanted_id;
static char *wanted_pool;
static char *wanted_size;
static int max_depth = -1;
static gboolean flatten;
static gboolean shareable;
static gboolean waits;
static gboolean as_json;

static const GOptionEntry options[] = {
    {"id", 'i', 0, G_OPTION_ARG_STRING, &wanted_id,
     "The new volume's id; a new UUID if none is given", "UUID"},
    {"pool", 'p', 0, G_OPTION_ARG_STRING, &wanted_pool,
     "One of the configured pools for volumes; the source's if it is one", //
     "POOL"},
    CMD_IMAGE_CLUSTER,
    {"size", 's', 0, G_OPTION_ARG_STRING, &wanted_size,
     "Its size, if it is to be larger than the source", "SIZE"},
    {"max-depth", 'd', 0, G_OPTION_ARG_INT, &max_depth,
     "Flatten it if it would stand on more volumes, else than clone.max_depth",
     "COUNT"},
    {"flatten", 'f', 0, G_OPTION_ARG_NONE, &flatten, "Flatten it in any case",
     NULL},
    {"wait", 'w', 0, G_OPTION_ARG_NONE, &waits,
     "Wait until it is flattened, if it is to be", NULL},
    {"shareable", 0, 0, G_OPTION_ARG_NONE, &shareable,
     "Without the features that only one writer at a time can have", NULL},
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

typedef struct {
    Host *host;
    const Cluster *cluster; /* of host */
    char *pool;
    char *image;
    char *snap; /* NULL: of a volume as it is now */
    bool is_image;
} Source;

static void
source_clear(Source *source)
{
    g_free(source->pool);
    g_free(source->image);
    g_free(source->snap);
    host_unref(source->host);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Source, source_clear)

/* ---- what is cloned --------------------------------------------------------------- */

static bool
is_pool_of_images(const Host *host, const char *name, const char *slash)
{
    g_autofree char *pool =
        slash ? g_strndup(name, (gsize)(slash - name)) : NULL;

    return pool && host_cluster_with_images(host, pool);
}

static int
find_image(const CmdGlobals *globals, const char *name, Source *ret)
{
    g_auto(CmdImage) image = {0};
    char *const rest[] = {(char *)name, NULL};
    int status = cmd_image_find(globals, COMMAND, rest, &image);

    if (status)
        return status;
    for (guint i = 0; i < host_clusters(image.host); i++)
        if (cluster_store(host_cluster(image.host, i)) == image.cluster)
            ret->cluster = host_cluster(image.host, i);
    ret->pool = g_steal_pointer(&image.pool);
    ret->image = g_steal_pointer(&image.image);
    if (!ret->snap)
        ret->snap = g_strdup(STORE_SNAP);
    host_unref(ret->host);
    ret->host = g_steal_pointer(&image.host);
    ret->is_image = true;
    return 0;
}

static int
find_volume(const CmdGlobals *globals, const char *name, Source *ret)
{
    g_auto(CmdVolume) volume = {0};
    g_autofree char *snap = NULL;
    int status;

    if (ret->snap) {
        snap = store_snapshot_name(ret->snap);
        if (!snap)
            return cmd_usage(COMMAND, "a snapshot of a volume is named as UUID "
                                      "or snapshot-UUID");
        g_free(ret->snap);
        ret->snap = g_steal_pointer(&snap);
    }
    status = cmd_volume_find(globals, COMMAND, name, &volume);
    if (status)
        return status;
    ret->cluster = volume.cluster;
    ret->pool = g_steal_pointer(&volume.pool);
    ret->image = g_steal_pointer(&volume.name);
    host_unref(ret->host);
    ret->host = g_steal_pointer(&volume.host);
    return 0;
}

/* An image is named with its pool, which tells it from a volume. */
static int
find_source(const CmdGlobals *globals, const char *text, Source *ret)
{
    const char *at = strchr(text, '@');
    g_autofree char *name =
        at ? g_strndup(text, (gsize)(at - text)) : g_strdup(text);

    if (at && (!at[1] || strchr(at + 1, '@')))
        return cmd_usage(COMMAND, "behind the '@' a snapshot is needed");
    ret->snap = at ? g_strdup(at + 1) : NULL;
    ret->host = cmd_host(globals);
    if (!ret->host)
        return 1;
    return is_pool_of_images(ret->host, name, strchr(name, '/'))
               ? find_image(globals, name, ret)
               : find_volume(globals, name, ret);
}

/* ---- the clone --------------------------------------------------------------------- */

/* Its pool, one of the same cluster; NULL after an error message. */
static const char *
choose_pool(const Source *source)
{
    char *const *pools = cluster_conf(source->cluster)->volume_pools;

    if (!wanted_pool && !source->is_image)
        return source->pool;
    if (!wanted_pool && pools[0])
        return pools[0];
    if (wanted_pool && g_strv_contains((const char *const *)pools, wanted_pool))
        return wanted_pool;
    cmd_usage(COMMAND, wanted_pool ? "that pool is none of pools.volumes of "
                                     "the source's cluster"
                                   : "pools.volumes names no pool");
    return NULL;
}

static void
print(const char *pool, const char *name, const StoreVolumeCloned *cloned)
{
    const char *id = store_volume_uuid(name);

    if (as_json)
        printf("{\"id\": \"%s\", \"pool\": \"%s\", \"size\": %" //
               G_GUINT64_FORMAT ", \"flattened\": %s, \"queued\": %s}\n",
               id, pool, cloned->size, cloned->flattened ? "true" : "false",
               cloned->queued ? "true" : "false");
    else
        puts(id);
    if (cloned->queued && !as_json)
        fprintf(stderr,
                "remora: the cluster's task queue flattens '%s/%s' (ceph rbd "
                "task list)\n",
                pool, name);
}

static int
make_clone(const Source *source, const char *name, guint64 size)
{
    const ConfCluster *conf = cluster_conf(source->cluster);
    const char *pool = choose_pool(source);
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) left = NULL;
    CmdProgress progress;
    StoreVolumeCloned cloned;
    int status = 0;
    const StoreVolumeOrigin from = {
        .pool = source->pool,
        .image = source->image,
        .snap = source->snap,
        .is_image = source->is_image,
        .size = size,
        .max_depth = max_depth < 0 ? conf->clone_max_depth : (guint)max_depth,
        .flatten = flatten || conf->clone_flatten,
        .shareable = shareable != FALSE,
        .wait = waits != FALSE,
        .progress = cmd_progress_show,
        .data = &progress,
    };

    if (!pool)
        return 2;
    cmd_progress_begin(&progress);
    (void)store_volume_clone(cluster_store(source->cluster), pool, name, &from,
                             &cloned, &left, &error);
    cmd_progress_end(&progress);
    if (error)
        status = cmd_image_fail(NULL, error);
    else
        print(pool, name, &cloned);
    status = cmd_volume_left(status, "it is made", NULL, left);
    /* It waits without being told to, too. */
    return cloned.queued && (waits || cmd_progress_interrupted()) && !status
               ? 1
               : status;
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_auto(Source) source = {0};
    guint64 size = 0;
    int status;

    if (!rest[0] || rest[1])
        return cmd_usage(COMMAND, "one volume, snapshot or image is needed");
    if (max_depth < -1)
        return cmd_usage(COMMAND, "the depth is less than 0");
    if (wanted_size && (!conf_size_parse(wanted_size, &size) || size == 0))
        return cmd_usage(COMMAND, "the size is none, or has no unit: write it "
                                  "as in '10 GiB'");
    g_autofree char *name = cmd_volume_new_name(COMMAND, wanted_id);
    if (!name)
        return 2;
    status = find_source(globals, rest[0], &source);
    return status ? status : make_clone(&source, name, size);
}

const CmdVerb cmd_volume_clone = {
    .name = COMMAND,
    .arguments = "VOLUME[@SNAPSHOT]|POOL/IMAGE[@SNAP]",
    .summary = "Makes a volume of another, of a snapshot, or of an image",
    .options = options,
    .run = run,
};
