/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/beat.c - claims under which is built are touched, so that
 * they live
 *
 * An observer takes a claim that does not change for STORE_DEAD_S for that of
 * a dead holder, so whoever builds under one writes a counter into it every
 * STORE_BEAT_S. All are touched at once, and none waits for another: one that
 * lies where the cluster does not answer must not let the others die. The
 * thread sleeps without a timer while nothing is held.
 */
#include "config.h"

#include "agent/rbd/claim/beat.h"

#include "agent/rbd/claim/object.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/warm.h"

#include <string.h>

typedef struct {
    GMutex lock;          /* guards all of it */
    GPtrArray *claims;    /* of StoreClaim, built under; borrowed */
    GHashTable *requests; /* 'pool/image' -> how many are at its claim */
    GCond changed;
    GThread *thread; /* NULL until the first claim */
    bool closing;
} Beat;

/* One touch that is under way. */
typedef struct {
    StoreConn *conn;
    char *pool;
    char *image;
    char *text;
    guint64 beat;
    const StoreClaim *claim; /* may be gone: to be compared only */
    rados_completion_t done; /* NULL: it could not even begin */
} Pulse;

/* librados writes to the completion until it is complete. */
static void
pulse_free(gpointer opaque)
{
    Pulse *pulse = opaque;

    if (pulse->done) {
        (void)rados_aio_wait_for_complete(pulse->done);
        rados_aio_release(pulse->done);
    }
    store_conn_unref(pulse->conn);
    g_free(pulse->pool);
    g_free(pulse->image);
    g_free(pulse->text);
    g_free(pulse);
}

static Pulse *
pulse_new(StoreClaim *claim)
{
    Pulse *pulse = g_new0(Pulse, 1);

    pulse->conn = store_conn_ref(claim->conn);
    pulse->pool = g_strdup(claim->pool);
    pulse->image = g_strdup(claim->image);
    pulse->text = g_strdup(claim->text);
    pulse->beat = ++claim->beat;
    pulse->claim = claim;
    return pulse;
}

/* Under the lock. Copies: a claim may be dropped while its copy is touched,
 * and then the touch finds another holder or none and changes nothing. */
static GPtrArray *
take_pulses(Beat *beat)
{
    GPtrArray *pulses = g_ptr_array_new();

    for (guint i = 0; i < beat->claims->len; i++) {
        StoreClaim *claim = g_ptr_array_index(beat->claims, i);

        if (claim->touching || store_conn_is_retired(claim->conn))
            continue;
        claim->touching = true;
        g_ptr_array_add(pulses, pulse_new(claim));
    }
    return pulses;
}

static int
begin(Pulse *pulse)
{
    return store_claim_touch_begin(pulse->conn, pulse->pool, pulse->image,
                                   pulse->text, pulse->beat, &pulse->done);
}

static void
heed(const Pulse *pulse, int r)
{
    store_conn_note(pulse->conn, r, pulse->pool, pulse->image);
}

/* Begins them, and adds them to those that are under way. */
static void
touch_all(GPtrArray *pulses, GPtrArray *under_way)
{
    for (guint i = 0; i < pulses->len; i++) {
        Pulse *pulse = g_ptr_array_index(pulses, i);

        heed(pulse, begin(pulse));
        g_ptr_array_add(under_way, pulse);
    }
}

static bool
has_answer(const Pulse *pulse)
{
    return !pulse->done || rados_aio_is_complete(pulse->done);
}

/* Takes out of under_way what has had its answer. */
static GPtrArray *
reap(GPtrArray *under_way)
{
    GPtrArray *done = g_ptr_array_new_with_free_func(pulse_free);

    for (guint i = under_way->len; i-- > 0;) {
        Pulse *pulse = g_ptr_array_index(under_way, i);

        if (!has_answer(pulse))
            continue;
        (void)g_ptr_array_steal_index_fast(under_way, i);
        if (pulse->done)
            heed(pulse, rados_aio_get_return_value(pulse->done));
        g_ptr_array_add(done, pulse);
    }
    return done;
}

/* Under the lock: those of the claims that are still there may be touched
 * again. */
static void
settle(const Beat *beat, const GPtrArray *done)
{
    for (guint i = 0; i < done->len; i++) {
        const Pulse *pulse = g_ptr_array_index(done, i);
        guint at;

        if (g_ptr_array_find(beat->claims, pulse->claim, &at))
            ((StoreClaim *)g_ptr_array_index(beat->claims, at))->touching =
                false;
    }
}

/* Under the lock. False: the cluster is being closed. */
static bool
wait_for_beat(Beat *beat, const GPtrArray *under_way)
{
    gint64 until;

    while (!beat->closing && beat->claims->len == 0 && under_way->len == 0)
        g_cond_wait(&beat->changed, &beat->lock);
    until = g_get_monotonic_time() + STORE_BEAT_S * G_USEC_PER_SEC;
    while (!beat->closing &&
           g_cond_wait_until(&beat->changed, &beat->lock, until))
        continue;
    return !beat->closing;
}

static gpointer
beat_thread(gpointer opaque)
{
    Beat *beat = opaque;
    g_autoptr(GPtrArray) under_way = g_ptr_array_new_with_free_func(pulse_free);

    g_mutex_lock(&beat->lock);
    while (wait_for_beat(beat, under_way)) {
        g_autoptr(GPtrArray) done = NULL;
        g_autoptr(GPtrArray) pulses = NULL;

        g_mutex_unlock(&beat->lock);
        done = reap(under_way);
        g_mutex_lock(&beat->lock);
        settle(beat, done);
        pulses = take_pulses(beat);
        g_mutex_unlock(&beat->lock);
        touch_all(pulses, under_way);
        /* It may be the last to hold a connection, which is not let go under
         * the lock. */
        g_clear_pointer(&done, g_ptr_array_unref);
        g_mutex_lock(&beat->lock);
    }
    g_mutex_unlock(&beat->lock);
    return NULL;
}

static void
beat_init(gpointer opaque)
{
    Beat *beat = opaque;

    g_mutex_init(&beat->lock);
    g_cond_init(&beat->changed);
    beat->claims = g_ptr_array_new();
    beat->requests =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static void
beat_end(gpointer opaque)
{
    Beat *beat = opaque;
    GThread *thread;

    g_mutex_lock(&beat->lock);
    beat->closing = true;
    thread = g_steal_pointer(&beat->thread);
    g_cond_broadcast(&beat->changed);
    g_mutex_unlock(&beat->lock);
    if (thread)
        g_thread_join(thread);
}

static void
beat_clear(gpointer opaque)
{
    Beat *beat = opaque;

    g_mutex_clear(&beat->lock);
    g_cond_clear(&beat->changed);
    g_ptr_array_unref(beat->claims);
    g_hash_table_unref(beat->requests);
}

static Beat *
beat_of(const StoreCluster *cluster)
{
    static const StorePart part = {sizeof(Beat), beat_init, beat_end,
                                   beat_clear};

    return store_cluster_part(cluster, &part);
}

void
store_beat_add(StoreClaim *claim)
{
    Beat *beat = beat_of(claim->conn->cluster);

    g_mutex_lock(&beat->lock);
    g_ptr_array_add(beat->claims, claim);
    if (!beat->thread)
        beat->thread = g_thread_new("store-beat", beat_thread, beat);
    if (beat->claims->len == 1)
        g_cond_broadcast(&beat->changed);
    g_mutex_unlock(&beat->lock);
}

bool
store_beat_remove(StoreClaim *claim)
{
    Beat *beat = beat_of(claim->conn->cluster);
    bool was_there;

    g_mutex_lock(&beat->lock);
    was_there = g_ptr_array_remove_fast(beat->claims, claim);
    g_mutex_unlock(&beat->lock);
    return was_there;
}

/* ---- who is at work on which image ---------------------------------------------- */

/* Under the lock. Of the requests at the image there are now so many. */
static guint
count(const Beat *beat, const char *pool, const char *image, int change)
{
    g_autofree char *key = g_strdup_printf("%s/%s", pool, image);
    guint n = GPOINTER_TO_UINT(g_hash_table_lookup(beat->requests, key));

    n = (guint)((int)n + change);
    if (n == 0)
        (void)g_hash_table_remove(beat->requests, key);
    else if (change != 0)
        g_hash_table_replace(beat->requests, g_steal_pointer(&key),
                             GUINT_TO_POINTER(n));
    return n;
}

void
store_beat_enter(StoreCluster *cluster, const char *pool, const char *image)
{
    Beat *beat = beat_of(cluster);

    g_mutex_lock(&beat->lock);
    (void)count(beat, pool, image, 1);
    g_mutex_unlock(&beat->lock);
}

void
store_beat_exit(StoreCluster *cluster, const char *pool, const char *image)
{
    Beat *beat = beat_of(cluster);

    g_mutex_lock(&beat->lock);
    (void)count(beat, pool, image, -1);
    g_mutex_unlock(&beat->lock);
}

bool
store_beat_has_other(StoreCluster *cluster, const char *pool, const char *image)
{
    Beat *beat = beat_of(cluster);
    bool has;

    g_mutex_lock(&beat->lock);
    has = count(beat, pool, image, 0) > 1;
    g_mutex_unlock(&beat->lock);
    return has;
}
