/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/full.c - work that waits for room, found out and named
 *
 * librados keeps a write to a full pool back until there is room, and says
 * nothing. The claim asks not to be kept back, so a disk's own pool is named
 * by it. librbd's writes cannot be told so: a clone is written down in its
 * parent's header, in another pool, and either pool may fill up meanwhile. So
 * who has waited a while for what is at work (disk/work.c) can ask whether it
 * waits for that. The flags are not looked at before: that would cost each
 * start a question to a monitor.
 */
#include "config.h"

#include "agent/rbd/store-internal.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

/* Work in good order takes some 20 ms. */
#define SLOW_US (1 * G_USEC_PER_SEC)

#define ASK_POOLS                                                              \
    "{\"prefix\": \"osd pool ls\", \"detail\": \"detail\", "                   \
    "\"format\": \"json\"}"

/* What somebody waits for; copied, so that no lock is needed. */
typedef struct {
    char *disk;
    char *pools[2]; /* its own, and its parent's or NULL */
    char *images[2];
} Stuck;

static void
stuck_clear(Stuck *stuck)
{
    g_clear_pointer(&stuck->disk, g_free);
    for (gsize i = 0; i < G_N_ELEMENTS(stuck->pools); i++) {
        g_clear_pointer(&stuck->pools[i], g_free);
        g_clear_pointer(&stuck->images[i], g_free);
    }
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Stuck, stuck_clear)

static void
stuck_on(Stuck *stuck, const StoreDisk *disk)
{
    stuck->disk = g_strdup_printf("%s/%s", disk->pool, disk->image);
    stuck->pools[0] = g_strdup(disk->pool);
    stuck->images[0] = g_strdup(disk->image);
    stuck->pools[1] = g_strdup(disk->parent.pool);
    stuck->images[1] = g_strdup(disk->parent.image);
}

/* What asker has waited for the longest, if that is long. */
static bool
find_slow(StoreCluster *cluster, const char *asker, Stuck *ret_stuck)
{
    gint64 oldest = g_get_monotonic_time() - SLOW_US;
    const StoreDisk *disk = NULL;

    g_mutex_lock(&cluster->lock);
    for (guint i = 0; i < cluster->work->len; i++) {
        const StoreWork *work = g_ptr_array_index(cluster->work, i);

        if (work->since_us > oldest || !store_work_is_for(work, asker))
            continue;
        oldest = work->since_us;
        disk = work->disk;
    }
    if (disk)
        stuck_on(ret_stuck, disk);
    g_mutex_unlock(&cluster->lock);
    return disk != NULL;
}

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

int
store_pool_room(const char *json, gsize len, const char *pool)
{
    json_t *root = json_loadb(json, len, 0, NULL);
    json_t *entry;
    size_t i;
    int number = 0;

    json_array_foreach(root, i, entry)
    {
        const char *name =
            json_string_value(json_object_get(entry, "pool_name"));
        const char *flags =
            json_string_value(json_object_get(entry, "flags_names"));

        if (name && flags && strcmp(name, pool) == 0)
            number = errno_of_flags(flags);
    }
    json_decref(root);
    return -number;
}

/* The first of the pools that is full, and how; NULL: none. */
static const char *
full_pool(StoreConn *conn, const Stuck *stuck, int *ret_r, GError **error)
{
    g_autofree char *json = NULL;
    gsize len;

    if (!store_mon_command(conn, ASK_POOLS, &json, &len, error))
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(stuck->pools); i++) {
        if (!stuck->pools[i])
            continue;
        *ret_r = store_pool_room(json, len, stuck->pools[i]);
        if (*ret_r < 0)
            return stuck->pools[i];
    }
    return NULL;
}

static void
set_known(StoreCluster *cluster, const char *pool)
{
    g_mutex_lock(&cluster->lock);
    g_free(cluster->full_pool);
    cluster->full_pool = g_strdup(pool);
    g_mutex_unlock(&cluster->lock);
}

bool
store_room_is_missing(StoreCluster *cluster)
{
    bool missing;

    g_mutex_lock(&cluster->lock);
    missing = cluster->full_pool != NULL;
    g_mutex_unlock(&cluster->lock);
    return missing;
}

/* TRUE: none of its pools is known to be full. */
static gboolean
check(StoreConn *conn, const Stuck *stuck, GError **error)
{
    g_autoptr(GError) why = NULL;
    int r = 0;
    const char *pool = full_pool(conn, stuck, &r, &why);

    /* A monitor that does not say is no reason to refuse. */
    set_known(conn->cluster, pool);
    return !pool || store_fail(error, NULL, r, "cannot make '%s' in pool '%s'",
                               stuck->disk, pool);
}

gboolean
store_room_check(StoreConn *conn, const StoreDisk *disk, GError **error)
{
    g_auto(Stuck) stuck = {0};

    if (!store_room_is_missing(conn->cluster))
        return TRUE;
    stuck_on(&stuck, disk);
    return check(conn, &stuck, error);
}

gboolean
store_cluster_has_room(StoreCluster *cluster, const char *asker, GError **error)
{
    g_auto(Stuck) stuck = {0};
    g_autoptr(StoreConn) conn = NULL;

    if (!find_slow(cluster, asker, &stuck))
        return TRUE;
    store_stalls_await(cluster->stalls);
    for (gsize i = 0; i < G_N_ELEMENTS(stuck.pools); i++)
        if (!store_stalls_check(cluster, stuck.pools[i], stuck.images[i],
                                error))
            return FALSE;
    conn = store_conn_acquire(cluster, error);
    return conn && check(conn, &stuck, error);
}
