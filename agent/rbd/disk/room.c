/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/room.c - is there room in the pools?
 *
 * By the flags of the OSD map, which the monitors set some seconds after a pool has
 * become full: no answer is newer than that, so that a start takes one that is
 * about as old. It is got by a thread, for a start must not wait for a monitor.
 */
#include "config.h"

#include "agent/rbd/disk/room.h"

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

/* Errors as for any write to it; 0: there is room. */
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
note(GHashTable *rooms, const char *pool, const json_t *flags)
{
    const char *text = json_string_value(flags);
    int number = text ? errno_of_flags(text) : 0;

    if (pool && number != 0)
        g_hash_table_replace(rooms, g_strdup(pool), GINT_TO_POINTER(-number));
}

/* By the names of pools, those that have no room. */
static GHashTable *
rooms_parse(const char *json, gsize len)
{
    GHashTable *rooms =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    json_t *root = json_loadb(json, len, 0, NULL);
    json_t *entry;
    size_t i;

    note(rooms, ALL, json_object_get(root, "flags"));
    json_array_foreach(json_object_get(root, "pools"), i, entry)
        note(rooms, json_string_value(json_object_get(entry, "pool_name")),
             json_object_get(entry, "flags_names"));
    json_decref(root);
    return rooms;
}

static int
room_in(GHashTable *rooms, const char *pool)
{
    int r = GPOINTER_TO_INT(g_hash_table_lookup(rooms, pool));

    return r < 0 ? r : GPOINTER_TO_INT(g_hash_table_lookup(rooms, ALL));
}

int
store_pool_room(const char *json, gsize len, const char *pool)
{
    g_autoptr(GHashTable) rooms = rooms_parse(json, len);

    return room_in(rooms, pool);
}

/* NULL: they do not say, which is no reason to refuse. */
static GHashTable *
ask(StoreConn *conn)
{
    g_autoptr(GError) why = NULL;
    g_autofree char *json = NULL;
    gsize len;

    return store_mon_command(conn, ASK_MAP, &json, &len, &why)
               ? rooms_parse(json, len)
               : NULL;
}

/* ---- asked now ------------------------------------------------------------------------- */

const char *
store_rooms_full(StoreConn *conn, const char *const *pools, gsize n, int *ret_r)
{
    g_autoptr(GHashTable) rooms = ask(conn);

    for (gsize i = 0; rooms && i < n; i++) {
        *ret_r = pools[i] ? room_in(rooms, pools[i]) : 0;
        if (*ret_r < 0)
            return pools[i];
    }
    return NULL;
}

gboolean
store_rooms_check(StoreConn *conn,
                  const char *const *pools,
                  gsize n,
                  GError **error)
{
    int r = 0;
    const char *full = store_rooms_full(conn, pools, n, &r);

    return !full ||
           store_explain(error, r, "nothing can be added to pool '%s'", full);
}

gboolean
store_pool_check_room(StoreConn *conn, const char *pool, GError **error)
{
    return store_rooms_check(conn, &pool, 1, error);
}

/* ---- asked of late ----------------------------------------------------------------------- */

typedef struct {
    GMutex lock; /* guards all of it */
    GCond answered;
    GHashTable *rooms; /* NULL: no monitor said */
    gint64 got_us;     /* monotonic; 0: never asked */
    bool asking;       /* its thread runs */
} Late;

static void
late_init(gpointer opaque)
{
    Late *late = opaque;

    g_mutex_init(&late->lock);
    g_cond_init(&late->answered);
}

/* Until the thread has ended. */
static void
late_end(gpointer opaque)
{
    Late *late = opaque;

    g_mutex_lock(&late->lock);
    while (late->asking)
        g_cond_wait(&late->answered, &late->lock);
    g_mutex_unlock(&late->lock);
}

static void
late_clear(gpointer opaque)
{
    Late *late = opaque;

    g_clear_pointer(&late->rooms, g_hash_table_unref);
    g_cond_clear(&late->answered);
    g_mutex_clear(&late->lock);
}

static Late *
late_of(const StoreCluster *cluster)
{
    static const StorePart part = {sizeof(Late), late_init, late_end,
                                   late_clear};

    return store_cluster_part(cluster, &part);
}

static gpointer
ask_thread(gpointer opaque)
{
    StoreConn *conn = opaque;
    Late *late = late_of(conn->cluster);
    GHashTable *rooms = ask(conn);

    store_conn_unref(conn);
    g_mutex_lock(&late->lock);
    g_clear_pointer(&late->rooms, g_hash_table_unref);
    late->rooms = rooms;
    late->got_us = g_get_monotonic_time();
    late->asking = false;
    /* The last thing: after it the cluster may be gone. */
    g_cond_broadcast(&late->answered);
    g_mutex_unlock(&late->lock);
    return NULL;
}

int
store_room_of_late(StoreConn *conn, const char *pool)
{
    Late *late = late_of(conn->cluster);
    gint64 now = g_get_monotonic_time();
    int r;

    g_mutex_lock(&late->lock);
    if (!late->asking && (late->got_us == 0 || now - late->got_us > FRESH_US)) {
        late->asking = true;
        g_thread_unref(
            g_thread_new("store-room", ask_thread, store_conn_ref(conn)));
    }
    while (late->asking &&
           g_cond_wait_until(&late->answered, &late->lock, now + WAIT_US))
        continue;
    r = late->rooms ? room_in(late->rooms, pool) : 0;
    g_mutex_unlock(&late->lock);
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
