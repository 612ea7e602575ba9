/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/speed/bare.c - what librbd alone costs, over a connection that is warm
 *
 *     bare PARENT_POOL PARENT SNAP POOL SIZE
 *
 * Connects as client.remora, or as who BARE_USER names in the environment, and
 * does what stdin says, one command a line; the answer to each is one line with
 * the microseconds that it took.
 *
 *     clone THREADS NAME...   clone (format 2), open, resize, metadata, close
 *     cloned THREADS NAME...  clone alone
 *     image THREADS NAME...   an empty image in PARENT_POOL with a snapshot SNAP,
 *                             protected
 *     look NAME               open read-only, list the watchers, close
 *     remove THREADS NAME...
 *
 * With BARE_TUNED in the environment librbd has remorad's settings, else its
 * defaults.
 *
 * The yardstick of tests/bench: no claim, no check, nothing remembered. Any
 * failure ends it with a line on stderr.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <rados/librados.h>
#include <rbd/librbd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAMES_MAX    1024
#define THREADS_MAX  64
#define WATCHERS_MAX 16

static struct {
    rados_t cluster;
    rados_ioctx_t from;
    rados_ioctx_t to;
    const char *parent;
    const char *snap;
    uint64_t size;
} bare;

/* What one thread of a command does: every step-th name from the first. */
struct share {
    void (*func)(const char *name);
    char **names;
    int n;
    int first;
    int step;
};

static void
need(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "bare: %s: %s\n", what, strerror(-r));
    exit(EXIT_FAILURE);
}

static int64_t
now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
open_cluster(char **args)
{
    /* Those of remorad (conn/cluster.c). */
    static const char *const settings[][2] = {
        /* librbd mentions every watch that breaks, which is no failure. */
        {"err_to_stderr", "false"},     {"rbd_cache", "false"},
        {"librados_thread_count", "1"}, {"debug_rbd", "0/0"},
        {"debug_rados", "0/0"},         {"debug_objecter", "0/0"},
        {"debug_objectcacher", "0/0"},  {"debug_monc", "0/0"},
        {"debug_auth", "0/0"},          {"debug_ms", "0/0"},
    };
    const char *user = getenv("BARE_USER");
    size_t n =
        getenv("BARE_TUNED") ? sizeof(settings) / sizeof(settings[0]) : 1;

    need(rados_create(&bare.cluster, user ? user : "remora"), "rados_create");
    need(rados_conf_read_file(bare.cluster, NULL), "ceph.conf");
    for (size_t i = 0; i < n; i++)
        need(rados_conf_set(bare.cluster, settings[i][0], settings[i][1]),
             settings[i][0]);
    need(rados_connect(bare.cluster), "rados_connect");
    need(rados_ioctx_create(bare.cluster, args[0], &bare.from), args[0]);
    need(rados_ioctx_create(bare.cluster, args[3], &bare.to), args[3]);
    bare.parent = args[1];
    bare.snap = args[2];
    bare.size = strtoull(args[4], NULL, 10);
}

static void
cloned_one(const char *name)
{
    rbd_image_options_t options;

    rbd_image_options_create(&options);
    need(
        rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_CLONE_FORMAT, 2),
        "clone format 2");
    need(rbd_clone3(bare.from, bare.parent, bare.snap, bare.to, name, options),
         "rbd_clone3");
    rbd_image_options_destroy(options);
}

static void
clone_one(const char *name)
{
    rbd_image_t image;

    cloned_one(name);
    need(rbd_open(bare.to, name, &image, NULL), "rbd_open");
    need(rbd_resize2(image, bare.size, false, NULL, NULL), "rbd_resize2");
    need(rbd_metadata_set(image, "bare", name), "rbd_metadata_set");
    need(rbd_close(image), "rbd_close");
}

static void
image_one(const char *name)
{
    rbd_image_t image;
    int order = 23;

    need(rbd_create2(bare.from, name, bare.size, RBD_FEATURE_LAYERING, &order),
         "rbd_create2");
    need(rbd_open(bare.from, name, &image, NULL), "rbd_open");
    need(rbd_snap_create(image, bare.snap), "rbd_snap_create");
    need(rbd_snap_protect(image, bare.snap), "rbd_snap_protect");
    need(rbd_close(image), "rbd_close");
}

static void
remove_one(const char *name)
{
    need(rbd_remove(bare.to, name), "rbd_remove");
}

static void *
do_share(void *opaque)
{
    const struct share *share = opaque;

    for (int i = share->first; i < share->n; i += share->step)
        share->func(share->names[i]);
    return NULL;
}

static void
do_all(void (*func)(const char *name), int threads, char **names, int n)
{
    pthread_t ids[THREADS_MAX];
    struct share shares[THREADS_MAX] = {{func, names, n, 0, threads}};

    if (threads < 1 || threads > THREADS_MAX)
        need(-EINVAL, "threads");
    for (int i = 1; i < threads; i++) {
        shares[i] = (struct share){func, names, n, i, threads};
        need(-pthread_create(&ids[i], NULL, do_share, &shares[i]),
             "pthread_create");
    }
    (void)do_share(&shares[0]);
    for (int i = 1; i < threads; i++)
        (void)pthread_join(ids[i], NULL);
}

static void
look(const char *name)
{
    rbd_image_watcher_t watchers[WATCHERS_MAX];
    size_t n = WATCHERS_MAX;
    rbd_image_t image;

    need(rbd_open_read_only(bare.to, name, &image, NULL), "rbd_open_read_only");
    need(rbd_watchers_list(image, watchers, &n), "rbd_watchers_list");
    rbd_watchers_list_cleanup(watchers, n);
    need(rbd_close(image), "rbd_close");
}

static void
obey(char **words, int n)
{
    if (n > 2 && strcmp(words[0], "clone") == 0)
        do_all(clone_one, atoi(words[1]), words + 2, n - 2);
    else if (n > 2 && strcmp(words[0], "cloned") == 0)
        do_all(cloned_one, atoi(words[1]), words + 2, n - 2);
    else if (n > 2 && strcmp(words[0], "image") == 0)
        do_all(image_one, atoi(words[1]), words + 2, n - 2);
    else if (n > 2 && strcmp(words[0], "remove") == 0)
        do_all(remove_one, atoi(words[1]), words + 2, n - 2);
    else if (n == 2 && strcmp(words[0], "look") == 0)
        look(words[1]);
    else
        need(-EINVAL, n > 0 ? words[0] : "no command");
}

static int
split(char *line, char **words)
{
    char *rest = NULL;
    int n = 0;

    for (char *word = strtok_r(line, " \n", &rest); word && n < NAMES_MAX;
         word = strtok_r(NULL, " \n", &rest))
        words[n++] = word;
    return n;
}

int
main(int argc, char **argv)
{
    static char *words[NAMES_MAX];
    char *line = NULL;
    size_t size = 0;

    if (argc != 6)
        need(-EINVAL, "bare PARENT_POOL PARENT SNAP POOL SIZE");
    open_cluster(argv + 1);
    while (getline(&line, &size, stdin) > 0) {
        int64_t start = now_us();

        obey(words, split(line, words));
        printf("%lld\n", (long long)(now_us() - start));
        (void)fflush(stdout);
    }
    free(line);
    rados_ioctx_destroy(bare.from);
    rados_ioctx_destroy(bare.to);
    rados_shutdown(bare.cluster);
    return EXIT_SUCCESS;
}
