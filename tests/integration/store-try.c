/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/integration/store-try.c - agent/rbd/ from the command line of a test
 *
 *     store-try monitors
 *     store-try provision POOL/IMAGE SOURCE SIZE OWNER
 *                         [hold|hand|read|rounds N]
 *     store-try twice POOL/IMAGE SOURCE SIZE OWNER
 *     store-try key USER [KEYRING]
 *     store-try settle POOL/IMAGE OWNER unknown|ended|opening|runs [plugged|over]
 *     store-try reclaim
 *     store-try watchers POOL/IMAGE
 *     store-try crowd POOL/IMAGE THREADS TIMES
 *     store-try watch POOL/IMAGE N
 *     store-try find IMAGE POOL...
 *     store-try state POOL/IMAGE
 *     store-try images POOL
 *     store-try add POOL/IMAGE FILE OBJECT-SIZE [CANCEL-AT|slow|stay]
 *
 * SOURCE is POOL/IMAGE@SNAP, or 'existing', 'blank' or 'filled' (with the letter
 * x). Until SIGTERM comes, 'hold' keeps the claim, and 'hand' keeps it handed
 * over; 'hand' leaves it so when it ends. 'read': the disk is only read. 'rounds'
 * provisions and drops the claim N times over one connection. 'twice' provisions
 * in two threads at once, and says how many of them were allowed, then why one
 * was not. 'crowd' asks for the watchers TIMES in each of THREADS threads over one
 * connection. 'watch' watches the image's header N times, as clients do that have
 * it open, until SIGTERM comes. 'slow' adds with a pause after each piece, 'stay'
 * comes to no end after its first. Reads STORE_TRY_USER, STORE_TRY_CONF,
 * STORE_TRY_KEYRING, STORE_TRY_STARTS (the owner starts, and nothing of it is left
 * here; 'arriving': by migration), STORE_TRY_PATIENCE, in milliseconds,
 * STORE_TRY_FEATURES (of clones, librbd's mask), STORE_TRY_DATA_POOL and
 * STORE_TRY_GROW ('librbd': it makes clones), STORE_TRY_OBJECT_SIZE (of clones, bytes).
 */
#include "config.h"

#include "agent/rbd/store.h"

#include <fcntl.h>
#include <rados/librados.h>
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
    static const char *const pools[] = {"vms", "images", "volumes", NULL};
    const StoreSettings settings = {
        .name = "ceph",
        .conf = setting("STORE_TRY_CONF", "/etc/ceph/ceph.conf"),
        .user = setting("STORE_TRY_USER", "remora"),
        .keyring = g_getenv("STORE_TRY_KEYRING"),
        .connect_timeout_ms = 3000,
        .op_timeout_ms = 5000,
        .run_dir = "/run/remora",
        .inherits = true,
        .state_dir = "/var/lib/remora",
        .probe_pools = pools,
        .clone_features =
            g_ascii_strtoull(setting("STORE_TRY_FEATURES", "0"), NULL, 10),
        .clone_data_pool = g_getenv("STORE_TRY_DATA_POOL"),
        .clone_object_size =
            g_ascii_strtoull(setting("STORE_TRY_OBJECT_SIZE", "0"), NULL, 10),
        .grow_by_librbd = strcmp(setting("STORE_TRY_GROW", ""), "librbd") == 0,
        .trash_expiry_s = 3600,
        .clone_max_depth = 5,
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
keep(StoreClaim *claim, char how)
{
    g_autoptr(GError) error = NULL;

    if (how == 'a' && claim && !store_claim_hand(claim, &error))
        return fail(error) == 0;
    puts("kept");
    (void)fflush(stdout);
    wait_for_term();
    return true;
}

/* how: 'o' hold, 'a' hand; else nothing */
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
        if (how && !keep(result.claim, how))
            return 1;
        if (how == 'a')
            store_claim_leave(result.claim);
        else
            store_claim_drop(result.claim);
        store_result_clear(&result);
    }
    return 0;
}

static gboolean
fill(StoreFilling *filling, gpointer data, GError **error)
{
    const char letter[1] = {'x'};

    (void)data;
    for (guint64 at = 0; at < store_filling_size(filling); at += 1024 * 1024)
        if (!store_filling_write(filling, at, letter, 1, error))
            return FALSE;
    return TRUE;
}

static StoreSource
source_of(const char *word)
{
    return strcmp(word, "existing") == 0 ? STORE_SOURCE_EXISTING
           : strcmp(word, "blank") == 0  ? STORE_SOURCE_BLANK
           : strcmp(word, "filled") == 0 ? STORE_SOURCE_FILLED
                                         : STORE_SOURCE_CLONE;
}

static bool
has_ended(const char *owner)
{
    (void)owner;
    return true;
}

/* Of 'POOL/IMAGE@SNAP', where IMAGE may have a namespace before it: the three. */
static GStrv
parent_words(const char *text)
{
    g_auto(GStrv) pool = g_strsplit(text, "/", 2);
    g_auto(GStrv) rest = g_strsplit(pool[0] && pool[1] ? pool[1] : "", "@", 2);
    GStrvBuilder *words = g_strv_builder_new();
    GStrv all;

    if (pool[0])
        g_strv_builder_add(words, pool[0]);
    g_strv_builder_addv(words, (const char **)rest);
    all = g_strv_builder_end(words);
    g_strv_builder_unref(words);
    return all;
}

/* name and parent: the words of args[0] and args[1]. */
static StoreDisk
disk_of(char **args, char **name, char **parent)
{
    StoreSource source = source_of(args[1]);
    bool clone = source == STORE_SOURCE_CLONE && g_strv_length(parent) == 3;
    const char *starts = setting("STORE_TRY_STARTS", "");

    return (StoreDisk){
        .source = source,
        .parent = {clone ? parent[0] : NULL, clone ? parent[1] : NULL,
                   clone ? parent[2] : NULL},
        .fill = fill,
        .pool = name[0],
        .image = name[1],
        .size = g_ascii_strtoull(args[2], NULL, 10),
        .owner = args[3],
        .label = "vda",
        .starts = starts[0] != '\0',
        .arriving = strcmp(starts, "arriving") == 0,
        .has_ended = has_ended,
        .patience_ms = (guint)atoi(setting("STORE_TRY_PATIENCE", "0")),
    };
}

static int
try_provision(StoreCluster *cluster, char **args)
{
    g_auto(GStrv) name = g_strsplit(args[0], "/", 2);
    g_auto(GStrv) parent = parent_words(args[1]);
    const char *how = args[4] ? args[4] : "";
    StoreDisk disk = disk_of(args, name, parent);

    disk.read_only = strcmp(how, "read") == 0;
    if (strcmp(how, "rounds") == 0)
        return provision(cluster, &disk, args[5] ? atoi(args[5]) : 1, 0);
    block_term();
    return provision(cluster, &disk, 1,
                     strcmp(how, "hold") == 0   ? 'o'
                     : strcmp(how, "hand") == 0 ? 'a'
                                                : '\0');
}

typedef struct {
    StoreCluster *cluster;
    const StoreDisk *disk;
    StoreResult result;
    GError *error;
} Twin;

static gpointer
provision_twin(gpointer opaque)
{
    Twin *twin = opaque;

    return GINT_TO_POINTER(store_provision(twin->cluster, twin->disk,
                                           &twin->result, &twin->error));
}

static int
try_twice(StoreCluster *cluster, char **args)
{
    g_auto(GStrv) name = g_strsplit(args[0], "/", 2);
    g_auto(GStrv) parent = parent_words(args[1]);
    const StoreDisk disk = disk_of(args, name, parent);
    Twin twins[2] = {{.cluster = cluster, .disk = &disk},
                     {.cluster = cluster, .disk = &disk}};
    g_autoptr(GError) error = NULL;
    GThread *other;
    int allowed;

    if (!store_cluster_connect(cluster, &error))
        return fail(error);
    other = g_thread_new("other", provision_twin, &twins[1]);
    allowed = GPOINTER_TO_INT(provision_twin(&twins[0]));
    allowed += GPOINTER_TO_INT(g_thread_join(other));
    printf("%d\n", allowed);
    for (gsize i = 0; i < G_N_ELEMENTS(twins); i++) {
        store_claim_drop(twins[i].result.claim);
        store_result_clear(&twins[i].result);
        if (twins[i].error)
            puts(twins[i].error->message);
        g_clear_error(&twins[i].error);
    }
    return 0;
}

static StoreGuestState
state_of(const char *word)
{
    return strcmp(word, "ended") == 0     ? STORE_GUEST_ENDED
           : strcmp(word, "opening") == 0 ? STORE_GUEST_OPENING
           : strcmp(word, "runs") == 0    ? STORE_GUEST_RUNS
                                          : STORE_GUEST_UNKNOWN;
}

static int
try_settle(StoreCluster *cluster, char **args)
{
    static const char *const words[] = {"none", "waiting", "running", "dropped",
                                        "cut off"};
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) name = g_strsplit(args[0], "/", 2);
    const StoreGuestNow now = {
        .domain = args[1],
        .state = state_of(args[2]),
        .plugged = args[3] && strcmp(args[3], "plugged") == 0,
        .call_over = args[3] && strcmp(args[3], "over") == 0,
    };
    g_autoptr(StoreSight) sight =
        store_sight_new(cluster, name[0], name[1], &error);
    g_autofree char *text = NULL;
    StoreSettled settled;

    if (!sight || !store_sight_settle(sight, &now, &settled, &text, &error))
        return fail(error);
    puts(words[settled]);
    return 0;
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

static void
on_notify(void *opaque,
          uint64_t id,
          uint64_t handle,
          uint64_t notifier,
          void *data,
          size_t len)
{
    (void)opaque, (void)id, (void)handle, (void)notifier, (void)data, (void)len;
}

/* How long an OSD takes a watch of which it hears nothing for alive, and how often
 * librados tells it of each. By itself that is every 5 s, for which a busy machine
 * has no time with thousands: some had ended before the last was there. */
#define WATCH_S    1800
#define WATCH_TICK "600"

/* Many at a time, for each is a turn of the OSD's. */
static int
watch_often(rados_ioctx_t io, const char *header, gsize n)
{
    enum { AT_ONCE = 64 };
    g_autofree uint64_t *handles = g_new0(uint64_t, n);
    rados_completion_t waits[AT_ONCE];
    int r = 0;

    for (gsize i = 0; r >= 0 && i < n; i += AT_ONCE) {
        gsize some = MIN(n - i, AT_ONCE);

        for (gsize j = 0; j < some; j++) {
            (void)rados_aio_create_completion2(NULL, NULL, &waits[j]);
            (void)rados_aio_watch2(io, header, waits[j], &handles[i + j],
                                   on_notify, NULL, WATCH_S, NULL);
        }
        for (gsize j = 0; j < some; j++) {
            (void)rados_aio_wait_for_complete(waits[j]);
            r = MIN(r, rados_aio_get_return_value(waits[j]));
            rados_aio_release(waits[j]);
        }
    }
    return r;
}

/* Below librbd, of which so many would take gigabytes. */
static int
try_watch(StoreCluster *cluster, char **args)
{
    g_auto(GStrv) name = g_strsplit(args[0], "/", 2);
    g_autofree char *object = g_strconcat("rbd_id.", name[1], NULL);
    g_autofree char *header = NULL;
    char id[64] = "";
    rados_t rados = NULL;
    rados_ioctx_t io = NULL;
    int r;

    (void)cluster;
    block_term();
    r = rados_create(&rados, "admin");
    if (r >= 0)
        r = rados_conf_read_file(rados, NULL);
    if (r >= 0)
        r = rados_conf_set(rados, "objecter_tick_interval", WATCH_TICK);
    if (r >= 0)
        r = rados_connect(rados);
    if (r >= 0)
        r = rados_ioctx_create(rados, name[0], &io);
    if (r >= 0)
        r = rados_read(io, object, id, sizeof(id) - 1, 0);
    /* The id stands behind its length, of four bytes. */
    header = g_strconcat("rbd_header.", id + 4, NULL);
    if (r >= 0)
        r = watch_often(io, header, g_ascii_strtoull(args[1], NULL, 10));
    printf("%s\n", r < 0 ? g_strerror(-r) : "watched");
    (void)fflush(stdout);
    if (r >= 0)
        wait_for_term();
    /* Whoever only ends takes its watches with it in its own time. */
    if (io)
        rados_ioctx_destroy(io);
    rados_shutdown(rados);
    return r < 0;
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
try_reclaim(StoreCluster *cluster, char **args)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) dropped =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_recovery_free);

    (void)args;
    if (!store_claims_reclaim(cluster, dropped, &error))
        return fail(error);
    printf("%u\n", dropped->len);
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
    show("claim", state.claim_phase);
    show("host", state.claim_host);
    show("client", state.claim_addr);
    show("to", state.claim_to);
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
    else if (until && strcmp(until, "stay") == 0)
        (void)pause();
    else if (until)
        return done < g_ascii_strtoull(until, NULL, 10);
    return TRUE;
}

static int
try_add(StoreCluster *cluster, char **args)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) name = g_strsplit(args[0], "/", 2);
    const StoreImageSource source = {
        .fd = open(args[1], O_RDONLY | O_CLOEXEC),
        .object_size = g_ascii_strtoull(args[2], NULL, 10),
        .progress = on_progress,
        .data = args[3],
    };
    guint64 size;
    bool ok =
        store_image_add(cluster, name[0], name[1], &source, &size, &error);

    if (source.fd >= 0)
        (void)close(source.fd);
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
    {"key", 1, 2, try_key},           {"settle", 3, 4, try_settle},
    {"watchers", 1, 1, try_watchers}, {"crowd", 3, 3, try_crowd},
    {"watch", 2, 2, try_watch},       {"find", 2, 9, try_find},
    {"reclaim", 0, 0, try_reclaim},   {"state", 1, 1, try_state},
    {"add", 3, 4, try_add},           {"images", 1, 1, try_images},
    {"twice", 4, 4, try_twice},
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
