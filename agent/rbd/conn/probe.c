/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/probe.c - does the cluster answer, and which pool does not?
 *
 * Whoever waited in vain says so, and a thread looks at once, over a connection
 * of its own that is made for it and has little patience: the monitors have to
 * let it in, some OSD has to answer, and then the very objects are asked for
 * that the call in vain was about. Only that decides who is refused from then
 * on; it is done again every 2 s, until all is well, and then the thread ends.
 */
#include "config.h"

#include "agent/rbd/conn/probe.h"

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/greet.h"
#include "agent/rbd/conn/names.h"
#include "agent/rbd/conn/work.h"

#include <errno.h>

#define PROBE_INTERVAL_US (2 * G_USEC_PER_SEC)
/* How long an OSD may take, which needs a millisecond. */
#define PROBE_OP_MS 1000
/* The same for a monitor that greets. */
#define GREETING_MS 1000
#define POLL_US     2000

/* One object that is asked for. */
typedef struct {
    const char *object;
    rados_ioctx_t io;
    rados_completion_t done; /* NULL: it could not be asked for */
    int r;                   /* why not */
    uint64_t size;
    time_t when;
    guint8 raw[STORE_ID_RAW];
} Ask;

typedef enum {
    ANSWERED,   /* a monitor and an OSD */
    BARRED,     /* we are not let in, which requests will be told */
    ELECTING,   /* the monitors live, but let nobody in */
    NO_MONITOR, /* answered */
    NO_OSD,
} Verdict;

/* librados writes to it until it is complete. */
static void
ask_free(gpointer opaque)
{
    Ask *ask = opaque;

    if (ask->done) {
        (void)rados_aio_wait_for_complete(ask->done);
        rados_aio_release(ask->done);
    }
    store_ioctx_clear(&ask->io);
    g_free(ask);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ask, ask_free)

/* as_id: it is read, as what a name leads to. */
static Ask *
ask_begin(StoreConn *conn, const char *pool, const char *object, bool as_id)
{
    Ask *ask = g_new0(Ask, 1);
    rados_completion_t done = NULL;
    int r = rados_ioctx_create(conn->rados, pool, &ask->io);

    ask->object = object;
    if (r >= 0)
        r = rados_aio_create_completion2(NULL, NULL, &done);
    if (r >= 0)
        r = as_id
                ? rados_aio_read(ask->io, object, done, (char *)ask->raw,
                                 sizeof(ask->raw), 0)
                : rados_aio_stat(ask->io, object, done, &ask->size, &ask->when);
    ask->r = r;
    if (r >= 0)
        ask->done = done;
    else if (done)
        rados_aio_release(done);
    return ask;
}

static bool
has_ended(const Ask *ask)
{
    return !ask->done || rados_aio_is_complete(ask->done);
}

/* Once it has ended. That there is no such object, or no such pool, is an
 * answer too, as is that nobody may read it. */
static bool
has_answer(const Ask *ask)
{
    int r = ask->done ? rados_aio_get_return_value(ask->done) : ask->r;

    return r != -ETIMEDOUT;
}

static GPtrArray *
asks_new(void)
{
    return g_ptr_array_new_with_free_func(ask_free);
}

/* Whether one answers; false: none did in time. */
static bool
any_answers(const GPtrArray *asks)
{
    for (;;) {
        guint ended = 0;

        for (guint i = 0; i < asks->len; i++) {
            const Ask *ask = g_ptr_array_index(asks, i);

            if (!has_ended(ask))
                continue;
            if (has_answer(ask))
                return true;
            ended++;
        }
        if (ended == asks->len)
            return false;
        g_usleep(POLL_US);
    }
}

/* ---- one suspect ----------------------------------------------------------- */

typedef struct {
    StoreSuspect *suspect;
    GPtrArray *asks;
    Ask *id; /* NULL: not asked for */
} Look;

static void
look_free(gpointer opaque)
{
    Look *look = opaque;

    g_ptr_array_unref(look->asks);
    g_clear_pointer(&look->id, ask_free);
    g_free(look);
}

static void
begin(StoreConn *conn, Look *look)
{
    const StoreSuspect *suspect = look->suspect;

    for (guint i = 0; i < suspect->objects->len; i++)
        g_ptr_array_add(look->asks,
                        ask_begin(conn, suspect->pool,
                                  g_ptr_array_index(suspect->objects, i),
                                  false));
}

static Look *
look_begin(StoreConn *conn, StoreSuspect *suspect)
{
    Look *look = g_new0(Look, 1);

    look->suspect = suspect;
    look->asks = asks_new();
    begin(conn, look);
    if (suspect->image && !suspect->known) {
        g_autofree char *object = g_strconcat("rbd_id.", suspect->image, NULL);

        look->id = ask_begin(conn, suspect->pool, object, true);
    }
    return look;
}

/* Waits. The suspect's objects are those that did not answer. */
static void
look_end(Look *look)
{
    GPtrArray *hang = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < look->asks->len; i++) {
        const Ask *ask = g_ptr_array_index(look->asks, i);

        if (ask->done)
            (void)rados_aio_wait_for_complete(ask->done);
        if (!has_answer(ask))
            g_ptr_array_add(hang, g_strdup(ask->object));
    }
    look->suspect->whole = hang->len > 0 && hang->len == look->asks->len;
    g_ptr_array_set_size(look->asks, 0);
    g_ptr_array_unref(look->suspect->objects);
    look->suspect->objects = hang;
}

/* What belongs to the image has its id in its name. */
static void
look_by_id(StoreConn *conn, Look *look)
{
    char id[128];
    int got;

    if (!look->id || !look->id->done || look->suspect->objects->len > 0)
        return;
    (void)rados_aio_wait_for_complete(look->id->done);
    got = rados_aio_get_return_value(look->id->done);
    if (store_id_parse(look->id->raw, got, id, sizeof(id)) < 0)
        return;
    g_ptr_array_add(look->suspect->objects,
                    g_strconcat("rbd_header.", id, NULL));
    g_ptr_array_add(look->suspect->objects,
                    g_strconcat("rbd_object_map.", id, NULL));
    g_ptr_array_add(look->suspect->objects,
                    g_strconcat("rbd_data.", id, ".0000000000000000", NULL));
    begin(conn, look);
}

static void
look_at(StoreConn *conn, const GPtrArray *suspects)
{
    g_autoptr(GPtrArray) looks = g_ptr_array_new_with_free_func(look_free);

    for (guint i = 0; i < suspects->len; i++)
        g_ptr_array_add(looks,
                        look_begin(conn, g_ptr_array_index(suspects, i)));
    g_ptr_array_foreach(looks, (GFunc)(void (*)(void))look_end, NULL);
    for (guint i = 0; i < looks->len; i++)
        look_by_id(conn, g_ptr_array_index(looks, i));
    for (guint i = 0; i < looks->len; i++) {
        Look *look = g_ptr_array_index(looks, i);

        if (look->asks->len > 0)
            look_end(look);
    }
}

/* ---- what is known ------------------------------------------------------------ */

typedef struct {
    GMutex lock;          /* guards all of it */
    gint64 down_since_us; /* monotonic; 0: not known to be down */
    char *down_cause;
    GPtrArray *monitors; /* the last map, of StoreMonitor; NULL: none yet */
    bool probing;        /* its thread runs */
    bool probe_now;      /* a round is asked for, without a pause */
    bool mons_silent;    /* a monitor has been waited for in vain */
    bool closing;
    GCond probed; /* something of this has changed */
} Watch;

static void
watch_init(gpointer opaque)
{
    Watch *watch = opaque;

    g_mutex_init(&watch->lock);
    g_cond_init(&watch->probed);
}

/* Until the thread has ended. */
static void
watch_end(gpointer opaque)
{
    Watch *watch = opaque;

    g_mutex_lock(&watch->lock);
    watch->closing = true;
    g_cond_broadcast(&watch->probed);
    while (watch->probing)
        g_cond_wait(&watch->probed, &watch->lock);
    g_mutex_unlock(&watch->lock);
}

static void
watch_clear(gpointer opaque)
{
    Watch *watch = opaque;

    g_free(watch->down_cause);
    g_clear_pointer(&watch->monitors, g_ptr_array_unref);
    g_mutex_clear(&watch->lock);
    g_cond_clear(&watch->probed);
}

static Watch *
watch_of(const StoreCluster *cluster)
{
    static const StorePart part = {sizeof(Watch), watch_init, watch_end,
                                   watch_clear};

    return store_cluster_part(cluster, &part);
}

/* ---- one round ------------------------------------------------------------- */

/* Whether those of the last map live, or will have a quorum. */
static bool
monitors_live(StoreCluster *cluster)
{
    Watch *watch = watch_of(cluster);
    g_autoptr(GPtrArray) monitors = NULL;

    g_mutex_lock(&watch->lock);
    if (watch->monitors)
        monitors = g_ptr_array_ref(watch->monitors);
    g_mutex_unlock(&watch->lock);
    return monitors && store_monitors_greet(monitors, GREETING_MS);
}

static void
mark_up(StoreCluster *cluster)
{
    Watch *watch = watch_of(cluster);

    g_mutex_lock(&watch->lock);
    watch->down_since_us = 0;
    g_clear_pointer(&watch->down_cause, g_free);
    g_cond_broadcast(&watch->probed);
    g_mutex_unlock(&watch->lock);
}

/* Without a long wait: they have been waited for already, and do not greet. */
static bool
monitors_are_gone(StoreCluster *cluster)
{
    Watch *watch = watch_of(cluster);
    bool silent;

    g_mutex_lock(&watch->lock);
    silent = watch->mons_silent;
    watch->mons_silent = false;
    g_mutex_unlock(&watch->lock);
    return silent && !monitors_live(cluster);
}

static Verdict
probe(StoreCluster *cluster, const GPtrArray *suspects)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(StoreConn) conn = NULL;
    g_autoptr(GPtrArray) asks = asks_new();
    const char *const *pool;

    if (monitors_are_gone(cluster))
        return NO_MONITOR;
    conn = store_conn_open(cluster, PROBE_OP_MS, &why);
    if (g_error_matches(why, STORE_ERROR, STORE_ERROR_DOWN))
        return monitors_live(cluster) ? ELECTING : NO_MONITOR;
    for (pool = store_settings(cluster)->probe_pools; conn && *pool; pool++)
        g_ptr_array_add(asks, ask_begin(conn, *pool, "rbd_directory", false));
    if (conn && !any_answers(asks))
        return NO_OSD;
    mark_up(cluster);
    if (!conn)
        return BARRED;
    look_at(conn, suspects);
    return ANSWERED;
}

static void
round_once(StoreCluster *cluster)
{
    static const StoreLooked looked[] = {
        [ANSWERED] = STORE_LOOKED,  [BARRED] = STORE_NOT,
        [ELECTING] = STORE_BLINDLY, [NO_MONITOR] = STORE_NOT,
        [NO_OSD] = STORE_NOT,
    };
    g_autoptr(GPtrArray) suspects = store_stalls_take(cluster);
    Verdict verdict = probe(cluster, suspects);

    if (verdict == NO_MONITOR)
        store_cluster_mark_down(cluster, "no monitor answered");
    else if (verdict == NO_OSD)
        store_cluster_mark_down(cluster, "no OSD answered");
    store_stalls_settle(cluster, suspects, looked[verdict]);
}

/* Under the lock. Waits for the next round; false: there is none. */
static bool
wait_for_round(StoreCluster *cluster)
{
    Watch *watch = watch_of(cluster);
    gint64 until = g_get_monotonic_time() + PROBE_INTERVAL_US;

    if (!watch->probe_now && watch->down_since_us == 0 &&
        !store_stalls_any(cluster))
        return false;
    while (!watch->probe_now && !watch->closing &&
           g_cond_wait_until(&watch->probed, &watch->lock, until))
        continue;
    watch->probe_now = false;
    return !watch->closing;
}

static gpointer
probe_thread(gpointer opaque)
{
    StoreCluster *cluster = opaque;
    Watch *watch = watch_of(cluster);

    g_mutex_lock(&watch->lock);
    while (wait_for_round(cluster)) {
        g_mutex_unlock(&watch->lock);
        round_once(cluster);
        g_mutex_lock(&watch->lock);
    }
    watch->probing = false;
    /* The last thing: after it the cluster may be gone. */
    g_cond_broadcast(&watch->probed);
    g_mutex_unlock(&watch->lock);
    return NULL;
}

/* Under the lock. */
static void
start(StoreCluster *cluster, bool now)
{
    Watch *watch = watch_of(cluster);

    watch->probe_now = watch->probe_now || now;
    g_cond_broadcast(&watch->probed);
    if (watch->probing || watch->closing)
        return;
    watch->probing = true;
    g_thread_unref(g_thread_new("store-probe", probe_thread, cluster));
}

void
store_probe_begin(StoreCluster *cluster)
{
    Watch *watch = watch_of(cluster);

    g_mutex_lock(&watch->lock);
    start(cluster, true);
    g_mutex_unlock(&watch->lock);
}

void
store_probe_monitors(StoreCluster *cluster)
{
    Watch *watch = watch_of(cluster);

    g_mutex_lock(&watch->lock);
    watch->mons_silent = true;
    start(cluster, true);
    g_mutex_unlock(&watch->lock);
}

void
store_cluster_mark_down(StoreCluster *cluster, const char *cause)
{
    Watch *watch = watch_of(cluster);

    g_mutex_lock(&watch->lock);
    if (watch->down_since_us == 0) {
        watch->down_since_us = g_get_monotonic_time();
        g_free(watch->down_cause);
        watch->down_cause = g_strdup(cause);
    }
    start(cluster, false);
    g_mutex_unlock(&watch->lock);
    store_conn_give_up(cluster);
}

bool
store_cluster_try(StoreCluster *cluster, gint64 down_s, guint wait_ms)
{
    Watch *watch = watch_of(cluster);
    gint64 now = g_get_monotonic_time();
    gint64 until = now + (gint64)wait_ms * 1000;
    bool works;

    g_mutex_lock(&watch->lock);
    watch->down_since_us = now - down_s * G_USEC_PER_SEC;
    watch->down_cause = g_strdup("an earlier request waited in vain");
    start(cluster, true);
    while (watch->down_since_us != 0 &&
           g_cond_wait_until(&watch->probed, &watch->lock, until))
        continue;
    works = watch->down_since_us == 0;
    g_mutex_unlock(&watch->lock);
    return works;
}

void
store_cluster_suspect(StoreCluster *cluster, const char *waiter)
{
    if (waiter)
        store_work_suspect(cluster, waiter);
    store_probe_begin(cluster);
}

bool
store_cluster_is_at_work(const StoreCluster *cluster, const char *waiter)
{
    return store_work_any(cluster, waiter);
}

void
store_probe_ask(StoreCluster *cluster, GPtrArray *monitors)
{
    Watch *watch = watch_of(cluster);
    GPtrArray *old;

    g_mutex_lock(&watch->lock);
    old = watch->monitors;
    watch->monitors = g_ptr_array_ref(monitors);
    g_mutex_unlock(&watch->lock);
    if (old)
        g_ptr_array_unref(old);
}

bool
store_cluster_is_down(StoreCluster *cluster, guint *ret_seconds)
{
    Watch *watch = watch_of(cluster);
    gint64 since;

    g_mutex_lock(&watch->lock);
    since = watch->down_since_us;
    g_mutex_unlock(&watch->lock);
    if (since == 0)
        return false;
    *ret_seconds = (guint)((g_get_monotonic_time() - since) / G_USEC_PER_SEC);
    return true;
}

gboolean
store_cluster_admit(StoreCluster *cluster, GError **error)
{
    Watch *watch = watch_of(cluster);
    bool down;

    g_mutex_lock(&watch->lock);
    down = watch->down_since_us != 0;
    if (down)
        store_refuse(error, STORE_ERROR_DOWN,
                     "cluster '%s' has not answered for %" G_GINT64_FORMAT
                     " s (%s): starts are refused until it does; check it with "
                     "'ceph -s'",
                     store_cluster_name(cluster),
                     (g_get_monotonic_time() - watch->down_since_us) /
                         G_USEC_PER_SEC,
                     watch->down_cause);
    g_mutex_unlock(&watch->lock);
    return !down;
}
