/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image.c - remora image: images as Glance lays them out
 */
#include "config.h"

#include "agent/cli/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR_WIDTH 40

static volatile sig_atomic_t interrupted;

static void
on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

/* Draws on stderr, if that is a terminal, at most ten times a second. */
typedef struct {
    bool terminal;
    gint64 drawn_us;
} Bar;

static void
draw(guint64 done, guint64 total)
{
    int filled = total ? (int)(done * BAR_WIDTH / total) : BAR_WIDTH;
    g_autofree char *now = cmd_size(done);
    g_autofree char *all = cmd_size(total);

    fprintf(stderr, "\r[%.*s%*s] %3d %% %s of %s\033[K", filled,
            "########################################", BAR_WIDTH - filled, "",
            filled * 100 / BAR_WIDTH, now, all);
}

static gboolean
on_progress(guint64 done, guint64 total, gpointer data)
{
    Bar *bar = data;
    gint64 now = g_get_monotonic_time();

    if (bar->terminal &&
        (done == total || now - bar->drawn_us > G_USEC_PER_SEC / 10)) {
        bar->drawn_us = now;
        draw(done, total);
    }
    return !interrupted;
}

static gboolean
add(Host *host,
    const Cluster *cluster,
    const char *pool,
    const char *id,
    const char *path,
    GError **error)
{
    Bar bar = {.terminal = isatty(STDERR_FILENO) == 1};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    gboolean good;

    if (fd < 0) {
        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "cannot read it: %s", g_strerror(errno));
        return FALSE;
    }
    good = store_image_add(cluster_store(cluster), pool, id, fd,
                           host_conf(host)->image_object_size, on_progress,
                           &bar, error);
    if (bar.terminal && bar.drawn_us)
        fputc('\n', stderr);
    (void)close(fd);
    return good;
}

static int
image_add(const CmdGlobals *globals, int argc, char **argv)
{
    g_autofree char *id = NULL;
    g_autofree char *pool = NULL;
    const GOptionEntry entries[] = {
        {"id", 'i', 0, G_OPTION_ARG_STRING, &id,
         "The image's id; a new UUID if none is given", "UUID"},
        {"pool", 'p', 0, G_OPTION_ARG_STRING, &pool,
         "One of the configured image pools; the first if none is given",
         "POOL"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status;
    g_auto(GStrv) rest = cmd_parse(
        argc, argv, "image add", "FILE",
        "Adds an image from a raw file, as Glance would, and prints its id.",
        entries, &status);
    g_autoptr(GError) error = NULL;

    if (!rest)
        return status;
    if (g_strv_length(rest) != 1)
        return cmd_usage("image add", "one file is needed");
    if (id && !g_uuid_string_is_valid(id))
        return cmd_usage("image add", "the id is not a UUID");
    g_autoptr(Host) host = cmd_host(globals);
    if (!host)
        return 1;
    if (!id)
        id = g_uuid_string_random();
    if (!pool)
        pool = g_strdup(cluster_conf(host_cluster(host, 0))->image_pools[0]);
    const Cluster *cluster = host_cluster_with_images(host, pool);
    if (!cluster)
        return cmd_usage("image add", "that pool is none of pools.images");
    (void)signal(SIGINT, on_interrupt);
    (void)signal(SIGTERM, on_interrupt);
    if (!add(host, cluster, pool, id, rest[0], &error))
        return cmd_fail(rest[0], error);
    puts(id);
    return 0;
}

static gboolean
list_pool(const Cluster *cluster,
          const char *pool,
          CmdTable *table,
          GError **error)
{
    g_autoptr(GPtrArray) images =
        store_image_list(cluster_store(cluster), pool, error);

    for (guint i = 0; images && i < images->len; i++) {
        const StoreImage *image = g_ptr_array_index(images, i);
        g_autofree char *size = cmd_size(image->size);
        g_autofree char *clones = image->children_known
                                      ? g_strdup_printf("%u", image->children)
                                      : g_strdup("?");

        cmd_table_add(table, image->image, pool, size,
                      image->protected_snap ? "yes" : "no", clones);
    }
    return images != NULL;
}

static gboolean
list_all(Host *host, CmdTable *table, GError **error)
{
    for (guint i = 0; i < host_clusters(host); i++) {
        const Cluster *cluster = host_cluster(host, i);
        char *const *pools = cluster_conf(cluster)->image_pools;

        for (gsize p = 0; pools[p]; p++)
            if (!list_pool(cluster, pools[p], table, error))
                return FALSE;
    }
    return TRUE;
}

static int
image_list(const CmdGlobals *globals, int argc, char **argv)
{
    static const char *const headings[] = {"ID",        "POOL",   "SIZE",
                                           "PROTECTED", "CLONES", NULL};
    int status;
    g_auto(GStrv) rest = cmd_parse(
        argc, argv, "image list", "",
        "Lists the images that domains can be given clones of.", NULL, &status);
    g_autoptr(GError) error = NULL;
    gboolean good;

    if (!rest)
        return status;
    if (rest[0])
        return cmd_usage("image list", "no argument is taken");
    g_autoptr(Host) host = cmd_host(globals);
    if (!host)
        return 1;
    CmdTable *table = cmd_table_new(headings);
    good = list_all(host, table, &error);
    cmd_table_print(table);
    return good ? 0 : cmd_fail(NULL, error);
}

int
cmd_image(const CmdGlobals *globals, int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "add") == 0)
        return image_add(globals, argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "list") == 0)
        return image_list(globals, argc - 1, argv + 1);
    if (argc > 1 &&
        (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        puts("Usage:\n  remora image add [OPTION…] FILE\n  remora image "
             "list\n\n'remora image add --help' says more; see remora(1).");
        return 0;
    }
    return cmd_usage("image", "'add' or 'list' is needed");
}
