/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image-add.c - remora image add: a file becomes an image, as with Glance
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

static char *wanted_id;
static char *wanted_pool;

static const GOptionEntry options[] = {
    {"id", 'i', 0, G_OPTION_ARG_STRING, &wanted_id,
     "The image's id; a new UUID if none is given", "UUID"},
    {"pool", 'p', 0, G_OPTION_ARG_STRING, &wanted_pool,
     "One of the configured image pools; the first if none is given", "POOL"},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static int
run(const CmdGlobals *globals, char **rest)
{
    g_autofree char *id = NULL;
    const char *pool = wanted_pool;
    g_autoptr(GError) error = NULL;

    if (g_strv_length(rest) != 1)
        return cmd_usage("image add", "one file is needed");
    if (wanted_id && !g_uuid_string_is_valid(wanted_id))
        return cmd_usage("image add", "the id is not a UUID");
    g_autoptr(Host) host = cmd_host(globals);
    if (!host)
        return 1;
    id = wanted_id ? g_strdup(wanted_id) : g_uuid_string_random();
    if (!pool)
        pool = cluster_conf(host_cluster(host, 0))->image_pools[0];
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

const CmdVerb cmd_image_add = {
    .name = "image add",
    .arguments = "FILE",
    .summary =
        "Adds an image from a raw file, as Glance would, and prints its id",
    .options = options,
    .run = run,
};
