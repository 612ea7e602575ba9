/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/pool-space.c - is there space in the pools?
 *
 * By the flags of the OSD map, which the monitors set some seconds after a pool has
 * become full: no answer is newer than that, so that a start takes one that is
 * about as old. It is got by a thread, for a start must not wait for a monitor.
 */
#include "config.h"

#include "agent/rbd/disk/pool-space.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"

#include <errno.h>
#include <jansson.h>
#include <rbd/librbd.h>
#include <string.h>

#define ASK_MAP "{\"prefix\": \"osd dump\", \"format\": \"json\"}"
/* Of the whole cluster; no pool is called so. */
#define ALL ""

/* How long an answer holds. */
#define FRESH_US (5 * G_USEC_PER_SEC)
#define WAIT_US  (G_USEC_PER_SEC / 2)

/* ---- what the monitors say ----------------------------------------------------------- */

/* Errors as for any write to it; 0: there is space. */
static int
errno_of_flags(const char *flags)
{
    g_auto(GStrv) words = g_strsplit(flags, ",", -1);
    const char *const *list = (const char *const *)words;

    if (g_strv_contains(list, "full_quota"))
        return EDQUOT;
    return g_strv_contains(list, "full") ? ENOSPC : 0;
}

static void
note(GHashTable *full, const char *pool, const json_t *flags)
{
    const char *text = json_string_value(flags);
    int number = text ? errno_of_flags(text) : 0;

    if (pool && number != 0)
        g_hash_table_replace(full, g_strdup(pool), GINT_TO_POINTER(-number));
}

/* By the names of pools, those that have no space. */
static GHashTable *
full_parse(const char *json, gsize len)
{
    GHashTable *full =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    json_t *root = json_loadb(json, len, 0, NULL);
    json_t *entry;
    size_t i;

    note(full, ALL, json_object_get(root, "flags"));
    json_array_foreach(json_object_get(root, "pools"), i, entry)
        note(full, json_string_value(json_object_get(entry, "pool_name")),
             json_object_get(entry, "flags_names"));
    json_decref(root);
    return full;
}

static int
space_in(GHashTable *full, const char *pool)
{
    int r = GPOINTER_TO_INT(g_hash_table_lookup(full, pool));

    return r < 0 ? r : GPOINTER_TO_INT(g_hash_table_lookup(full, ALL));
}

int
store_pool_space(const char *json, gsize len, const char *pool)
{
    g_autoptr(GHashTable) full = full_parse(json, len);

    return space_in(full, pool);
}

/* NULL: they do not say, which is no reason to refuse. */
static GHashTable *
ask(StoreConn *conn)
{
    g_autoptr(GError) why = NULL;
    g_autofree char *json = NULL;
    gsize len;

    return store_mon_command(conn, ASK_MAP, &json, &len, &why)
               ? full_parse(json, len)
               : NULL;
}

/* ---- asked now ------------------------------------------------------------------------- */

const char *
store_pools_full(StoreConn *conn, const char *const *pools, gsize n, int *ret_r)
{
    g_autoptr(GHashTable) full = ask(conn);

    for (gsize i = 0; full && i < n; i++) {
        *ret_r = pools[i] ? space_in(full, pools[i]) : 0;
        if (*ret_r < 0)
            return pools[i];
    }
    return NULL;
}

gboolean
store_pools_check_space(StoreConn *conn,
                        const char *const *pools,
                        gsize n,
                        GError **error)
{
    int r = 0;
    const char *full = store_pools_full(conn, pools, n, &r);

    return !full ||
           store_explain(error, r, "nothing can be added to pool '%s'", full);
}

gboolean
store_pool_check_space(StoreConn *conn, const char *pool, GError **error)
{
    return store_pools_check_space(conn, &pool, 1, error);
}

/* ---- asked of late ----------------------------------------------------------------------- */

typedef struct {
    GMutex lock; /* guards all of it */
    GCond answered;
    GHashTable *full; /* NULL: no monitor said */
    gint64 got_us;    /* monotonic; 0: never asked */
    bool asking;      /* its thread runs */
} Cached;

static void
cached_init(gpointer opaque)
{
    Cached *cached = opaque;

    g_mutex_init(&cached->lock);
    g_cond_init(&cached->answered);
}

/* Until the thread has ended. */
static void
cached_end(gpointer opaque)
{
    Cached *cached = opaque;

    g_mutex_lock(&cached->lock);
    while (cached->asking)
        g_cond_wait(&cached->answered, &cached->lock);
    g_mutex_unlock(&cached->lock);
}

static void
cached_clear(gpointer opaque)
{
    Cached *cached = opaque;

    g_clear_pointer(&cached->full, g_hash_table_unref);
    g_cond_clear(&cached->answered);
    g_mutex_clear(&cached->lock);
}

static Cached *
cached_of(const StoreCluster *cluster)
{
    static const StorePart part = {sizeof(Cached), cached_init, cached_end,
                                   cached_clear};

    return store_cluster_part(cluster, &part);
}

static gpointer
ask_thread(gpointer opaque)
{
    StoreConn *conn = opaque;
    Cached *cached = cached_of(conn->cluster);
    GHashTable *full = ask(conn);

    store_conn_unref(conn);
    g_mutex_lock(&cached->lock);
    g_clear_pointer(&cached->full, g_hash_table_unref);
    cached->full = full;
    cached->got_us = g_get_monotonic_time();
    cached->asking = false;
    /* The last thing: after it the cluster may be gone. */
    g_cond_broadcast(&cached->answered);
    g_mutex_unlock(&cached->lock);
    return NULL;
}

int
store_pool_space_cached(StoreConn *conn, const char *pool)
{
    Cached *cached = cached_of(conn->cluster);
    gint64 now = g_get_monotonic_time();
    int r;

    g_mutex_lock(&cached->lock);
    if (!cached->asking &&
        (cached->got_us == 0 || now - cached->got_us > FRESH_US)) {
        cached->asking = true;
        g_thread_unref(
            g_thread_new("store-space", ask_thread, store_conn_ref(conn)));
    }
    while (cached->asking &&
           g_cond_wait_until(&cached->answered, &cached->lock, now + WAIT_US))
        continue;
    r = cached->full ? space_in(cached->full, pool) : 0;
    g_mutex_unlock(&cached->lock);
    return r;
}

/* ---- where data is ------------------------------------------------------------------------- */

char *
store_new_data_pool(StoreConn *conn, const char *wanted)
{
    char name[256] = "";

    if (wanted)
        return g_strdup(wanted);
    return rados_conf_get(conn->rados, "rbd_default_data_pool", name,
                          sizeof(name)) >= 0 &&
                   *name
               ? g_strdup(name)
               : NULL;
}

char *
store_data_pool(StoreConn *conn, gpointer handle, const char *pool)
{
    int64_t id = rbd_get_data_pool_id(handle);
    char name[256] = "";

    return id >= 0 &&
                   rados_pool_reverse_lookup(conn->rados, id, name,
                                             sizeof(name)) > 0 &&
                   strcmp(name, pool) != 0
               ? g_strdup(name)
               : NULL;
}
