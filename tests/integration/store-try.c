/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/integration/store-try.c - agent/rbd/ from the command line of a test
 *
 *     store-try monitors
 *     store-try provision POOL/IMAGE PARENT SIZE OWNER [hold|hand|self|rounds N]
 *     store-try key USER [KEYRING]
 *     store-try drop POOL/IMAGE OWNER
 *     store-try watchers POOL/IMAGE
 *     store-try crowd POOL/IMAGE THREADS TIMES
 *     store-try find IMAGE POOL...
 *     store-try sweep SECONDS
 *     store-try state POOL/IMAGE
 *     store-try images POOL
 *     store-try add POOL/IMAGE FILE OBJECT-SIZE [CANCEL-AT|slow]
 *
 * PARENT is POOL/IMAGE@SNAP, or - where nothing is to be cloned. Until SIGTERM
 * comes, 'hold' keeps the claim, 'hand' keeps it handed over, 'self' has it
 * dropped by its owner's name; 'rounds' provisions and drops the claim N times
 * over one connection. 'crowd' asks for the watchers TIMES in each of THREADS
 * threads over one connection. Reads STORE_TRY_USER, STORE_TRY_CONF and
 * STORE_TRY_KEYRING.
 */
#include "config.h"

#include "agent/rbd/store.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *
setting(const char *name, const char *otherwise)
{
    const char *value = g_getenv(name);

    return value ? value : otherwise;
}

static StoreCluster *
open_cluster(void)
{
    const StoreSettings settings = {
        .name = "ceph",
        .conf = setting("STORE_TRY_CONF", "/etc/ceph/ceph.conf"),
        .user = setting("STORE_TRY_USER", "remora"),
        .keyring = g_getenv("STORE_TRY_KEYRING"),
        .connect_timeout_ms = 3000,
        .op_timeout_ms = 5000,
        .run_dir = "/run/remora",
        .probe_pool = "vms",
        .trash_expiry_s = 3600,
    };

    return store_cluster_new(&settings);
}

static int
fail(const GError *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}

static int
try_monitors(StoreCluster *cluster, char **args)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = store_monitors(cluster, &error);

    (void)args;
    if (!list)
        return fail(error);
    for (guint i = 0; i < list->len; i++) {
        const StoreMonitor *monitor = g_ptr_array_index(list, i);

        printf("%s %s%s\n", monitor->host, monitor->port,
               monitor->other ? " other" : "");
    }
    return 0;
}

/* SIGTERM is blocked before there are threads. */
static void
wait_for_term(void)
{
    sigset_t set;
    int number;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigwait(&set, &number);
}

static void
block_term(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static bool
keep(StoreCluster *cluster, const StoreDisk *disk, StoreClaim *claim, char how)
{
    g_autoptr(GError) error = NULL;

    if (how == 'a')
        store_claim_hand(claim);
    if (how == 's' && !store_claim_drop_for(cluster, disk->pool, disk->image,
                                            disk->owner, &error))
        return fail(error) == 0;
    puts("kept");
    (void)fflush(stdout);
    wait_for_term();
    return true;
}

/* how: 'o' hold, 'a' hand, 's' self; else nothing */
static int
provision(StoreCluster *cluster, const StoreDisk *disk, int rounds, char how)
{
    static const char *const words[] = {"built", "ready", "grown"};

    for (int i = 0; i < rounds; i++) {
        g_autoptr(GError) error = NULL;
        StoreResult result = {0};

        if (!store_provision(cluster, disk, &result, &error)) {
            store_result_clear(&result);
            return fail(error);
        }
        printf("%s %" G_GUINT64_FORMAT "%s\n", words[result.outcome],
               result.size, result.recovered ? " recovered" : "");
        (void)fflush(stdout);
        if (how && !keep(cluster, disk, result.claim, how))
            return 1;
        store_claim_drop(result.claim);
        store_result_clear(&result);
    }
    return 0;
}

static int
try_provision(StoreCluster *cluster, char **args)
{
    g_auto(GStrv) name = g_strsplit(args[0], "/", 2);
    g_auto(GStrv) parent = g_strsplit_set(args[1], "/@", 3);
    bool clone = g_strv_length(parent) == 3;
    const char *how = args[4] ? args[4] : "";
    const StoreDisk disk = {
        .parent = {clone ? parent[0] : NULL, clone ? parent[1] : NULL,
                   clone ? parent[2] : NULL},
        .pool = name[0],
        .image = name[1],
        .size = g_ascii_strtoull(args[2], NULL, 10),
        .owner = args[3],
        .label = "vda",
    };

    if (strcmp(how, "rounds") == 0)
        return provision(cluster, &disk, args[5] ? atoi(args[5]) : 1, 0);
    block_term();
    return provision(cluster, &disk, 1,
                     strcmp(how, "hold") == 0   ? 'o'
                     : strcmp(how, "hand") == 0 ? 'a'
                     : strcmp(how, "self") == 0 ? 's'
                                                : '\0');
}

static int
try_drop(StoreCluster *cluster, char **args)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) name = g_strsplit(args[0], "/", 2);

    return store_claim_drop_for(cluster, name[0], name[1], args[1], &error)
               ? 0
               : fail(error);
}

static int
try_key(StoreCluster *cluster, char **args)
{
    g_autoptr(GError) error = NULL;
    char *key = store_user_key(cluster, args[0], args[1], &error);

    if (!key)
        return fail(error);
    printf("%s\n", key);
    store_key_free(key);
    return 0;
}

static int
try_watchers(StoreCluster *cluster, char **args)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) name = g_strsplit(args[0], "/", 2);
    g_auto(GStrv) list = store_watchers(cluster, name[0], name[1], &error);

    for (gsize i = 0; list && list[i]; i++)
        puts(list[i]);
    return list ? 0 : fail(error);
}

typedef struct {
    StoreCluster *cluster;
    char **args;
} Crowd;

static gpointer
ask_often(gpointer opaque)
{
    const Crowd *crowd = opaque;
    g_auto(GStrv) name = g_strsplit(crowd->args[0], "/", 2);
    int left = atoi(crowd->args[2]);

    while (left > 0) {
        g_auto(GStrv) list =
            store_watchers(crowd->cluster, name[0], name[1], NULL);

        if (!list)
            break;
        left--;
    }
    return GINT_TO_POINTER(left);
}

static int
try_crowd(StoreCluster *cluster, char **args)
{
    Crowd crowd = {cluster, args};
    GThread *threads[64];
    gsize n = CLAMP((gsize)atoi(args[1]), 1, G_N_ELEMENTS(threads));
    int left = 0;

    for (gsize i = 0; i < n; i++)
        threads[i] = g_thread_new("ask", ask_often, &crowd);
    for (gsize i = 0; i < n; i++)
        left += GPOINTER_TO_INT(g_thread_join(threads[i]));
    return left > 0;
}

static int
try_find(StoreCluster *cluster, char **args)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *pool = store_find_image(
        cluster, (const char *const *)args + 1, args[0], &error);

    return pool ? puts(pool) < 0 : fail(error);
}

static int
try_sweep(StoreCluster *cluster, char **args)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) dropped =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_recovery_free);
    bool waiting = false;

    if (!store_claims_sweep(cluster, (guint)atoi(args[0]), dropped, &waiting,
                            &error))
        return fail(error);
    printf("%u%s\n", dropped->len, waiting ? " waiting" : "");
    return 0;
}

static void
show(const char *name, const char *value)
{
    if (value)
        printf("%s %s\n", name, value);
}

static int
try_state(StoreCluster *cluster, char **args)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) name = g_strsplit(args[0], "/", 2);
    g_auto(StoreState) state = {0};

    if (!store_state(cluster, name[0], name[1], &state, &error))
        return fail(error);
    printf("there %d, opens %d, ready %d, size %" G_GUINT64_FORMAT
           ", overlap %" G_GUINT64_FORMAT "\n",
           state.there, state.opens, state.ready, state.size, state.overlap);
    show("owner", state.owner);
    show("parent", state.parent);
    for (gsize i = 0; state.watchers[i]; i++)
        show("watcher", state.watchers[i]);
    show("holder", state.claim_holder);
    show("for", state.claim_owner);
    return 0;
}

static gboolean
on_progress(guint64 done, guint64 total, gpointer data)
{
    const char *until = data;

    (void)total;
    if (until && strcmp(until, "slow") == 0)
        g_usleep(G_USEC_PER_SEC / 2);
    else if (until)
        return done < g_ascii_strtoull(until, NULL, 10);
    return TRUE;
}

static int
try_add(StoreCluster *cluster, char **args)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) name = g_strsplit(args[0], "/", 2);
    int fd = open(args[1], O_RDONLY | O_CLOEXEC);
    bool ok = store_image_add(cluster, name[0], name[1], fd,
                              g_ascii_strtoull(args[2], NULL, 10), on_progress,
                              args[3], &error);

    if (fd >= 0)
        (void)close(fd);
    return ok ? 0 : fail(error);
}

static int
try_images(StoreCluster *cluster, char **args)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = store_image_list(cluster, args[0], &error);

    if (!list)
        return fail(error);
    for (guint i = 0; i < list->len; i++) {
        const StoreImage *image = g_ptr_array_index(list, i);
        g_autofree char *children = g_strdup_printf("%u", image->children);

        printf("%s/%s %" G_GUINT64_FORMAT "%s%s %s\n", image->pool,
               image->image, image->size, image->has_snap ? " snap" : "",
               image->protected_snap ? " protected" : "",
               image->children_known ? children : "?");
    }
    return 0;
}

static const struct {
    const char *name;
    int least; /* arguments */
    int most;
    int (*run)(StoreCluster *cluster, char **args);
} verbs[] = {
    {"monitors", 0, 0, try_monitors}, {"provision", 4, 6, try_provision},
    {"key", 1, 2, try_key},           {"drop", 2, 2, try_drop},
    {"watchers", 1, 1, try_watchers}, {"crowd", 3, 3, try_crowd},
    {"find", 2, 9, try_find},         {"sweep", 1, 1, try_sweep},
    {"state", 1, 1, try_state},       {"add", 3, 4, try_add},
    {"images", 1, 1, try_images},
};

int
main(int argc, char **argv)
{
    g_autoptr(StoreCluster) cluster = open_cluster();

    for (gsize i = 0; argc > 1 && i < G_N_ELEMENTS(verbs); i++)
        if (strcmp(argv[1], verbs[i].name) == 0 && argc - 2 >= verbs[i].least &&
            argc - 2 <= verbs[i].most)
            return verbs[i].run(cluster, argv + 2);
    fprintf(stderr, "see the first lines of store-try.c\n");
    return 2;
}
