/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/capacity.c - how full are the pools?
 *
 * As Cinder reports it to its scheduler: used is what was stored, without the
 * copies that a replicated pool makes of it; free is what the cluster can still
 * take, or the pool's quota allows; total is both together.
 */
#include "config.h"

#include "agent/rbd/image/capacity.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/handle.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#define ASK_DF                                                                 \
    "{\"prefix\": \"df\", \"detail\": \"detail\", \"format\": \"json\"}"

void
store_pool_free(StorePool *pool)
{
    if (!pool)
        return;
    g_free(pool->name);
    g_free(pool);
}

static guint64
number(const json_t *stats, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(stats, key));

    return value > 0 ? (guint64)value : 0;
}

/* Before 14.0 there was no other number than that of the copies. */
static StorePool *
pool_new(const char *name, const json_t *stats)
{
    StorePool *pool = g_new0(StorePool, 1);
    const char *used =
        json_object_get(stats, "stored") ? "stored" : "bytes_used";

    pool->name = g_strdup(name);
    pool->used = number(stats, used);
    pool->free = number(stats, "max_avail");
    pool->quota = number(stats, "quota_bytes");
    if (pool->quota > 0)
        pool->free =
            MIN(pool->free,
                pool->quota > pool->used ? pool->quota - pool->used : 0);
    if (number(stats, "quota_objects") > 0 &&
        number(stats, "objects") >= number(stats, "quota_objects"))
        pool->free = 0;
    pool->total = pool->used + pool->free;
    return pool;
}

GPtrArray *
store_pools_parse(const char *json, gsize len, GError **error)
{
    json_t *root = json_loadb(json, len, 0, NULL);
    json_t *pools = json_object_get(root, "pools");
    g_autoptr(GPtrArray) list =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_pool_free);
    json_t *entry;
    size_t i;

    json_array_foreach(pools, i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "name"));
        const json_t *stats = json_object_get(entry, "stats");

        if (name && json_is_object(stats))
            g_ptr_array_add(list, pool_new(name, stats));
    }
    json_decref(root);
    if (list->len > 0)
        return g_steal_pointer(&list);
    store_refuse(error, STORE_ERROR_FAILED,
                 "the monitors say nothing of pools that can be read (ceph df "
                 "detail)");
    return NULL;
}

/* What its images would take if they were full. A pool that this user may not
 * read stays without. */
static void
count_images(StoreConn *conn, StorePool *pool)
{
    g_auto(StoreIo) io = NULL;
    rbd_pool_stats_t stats;
    int r = rados_ioctx_create(conn->rados, pool->name, &io);

    if (r < 0)
        return;
    rbd_pool_stats_create(&stats);
    r = rbd_pool_stats_option_add_uint64(stats, RBD_POOL_STAT_OPTION_IMAGES,
                                         &pool->images);
    if (r >= 0)
        r = rbd_pool_stats_option_add_uint64(
            stats, RBD_POOL_STAT_OPTION_IMAGE_PROVISIONED_BYTES,
            &pool->provisioned);
    if (r >= 0)
        r = rbd_pool_stats_option_add_uint64(
            stats, RBD_POOL_STAT_OPTION_TRASH_PROVISIONED_BYTES, &pool->trash);
    if (r >= 0)
        r = rbd_pool_stats_get(io, stats);
    pool->counted = r >= 0;
    rbd_pool_stats_destroy(stats);
}

/* Keeps those that are asked for, in that order. */
static gboolean
choose(const StoreCluster *cluster,
       GPtrArray *all,
       const char *const *names,
       GPtrArray *list,
       GError **error)
{
    for (; *names; names++) {
        guint at = 0;

        while (at < all->len &&
               strcmp(((StorePool *)all->pdata[at])->name, *names) != 0)
            at++;
        if (at == all->len)
            return store_refuse(error, STORE_ERROR_MISSING,
                                "cluster '%s' has no pool '%s': check the "
                                "pools in remora.conf (ceph osd pool ls)",
                                store_cluster_name(cluster), *names);
        g_ptr_array_add(list, g_ptr_array_steal_index(all, at));
    }
    return TRUE;
}

GPtrArray *
store_pools_read(StoreCluster *cluster,
                 const char *const *names,
                 GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_autofree char *json = NULL;
    g_autoptr(GPtrArray) all = NULL;
    g_autoptr(GPtrArray) list =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_pool_free);
    gsize len;

    if (!conn || !store_mon_command(conn, ASK_DF, &json, &len, error))
        return NULL;
    all = store_pools_parse(json, len, error);
    if (!all || !choose(cluster, all, names, list, error))
        return NULL;
    for (guint i = 0; i < list->len; i++)
        count_images(conn, g_ptr_array_index(list, i));
    return g_steal_pointer(&list);
}
