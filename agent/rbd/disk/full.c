/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/full.c - work that waits for space, found out and named
 *
 * librados keeps a write to a full pool back until there is space, and says
 * nothing. The claim asks not to be kept back, so a disk's own pool is named
 * by it. A clone's writes are kept back, librbd's as ours: it is written down in its
 * parent's header, in another pool, and either pool may fill up meanwhile. So
 * who has waited a while for what is at work (conn/work.c) can ask whether it
 * waits for that. The flags are not looked at before: that would cost each
 * start a question to a monitor. But for a data pool (pool-space.c): to make an image
 * takes no space there, so that nothing would say so before its guest waits.
 */
#include "config.h"

#include "agent/rbd/disk/full.h"

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/conn/work.h"
#include "agent/rbd/disk/pool-space.h"

/* Work in good order takes some 20 ms. */
#define SLOW_US (1 * G_USEC_PER_SEC)

/* What somebody waits for; copied, so that no lock is needed. */
typedef struct {
    char *disk;
    char *pools[3]; /* its own; its parent's and its data's, or NULL */
    char *images[3];
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
stuck_on(const StoreTarget *target, gpointer opaque)
{
    Stuck *stuck = opaque;

    stuck->disk = g_strdup_printf("%s/%s", target->pool, target->image);
    stuck->pools[0] = g_strdup(target->pool);
    stuck->images[0] = g_strdup(target->image);
    stuck->pools[1] = g_strdup(target->parent_pool);
    stuck->images[1] = g_strdup(target->parent_image);
}

typedef struct {
    GMutex lock;     /* guards the next */
    char *full_pool; /* known to be full when it was last asked for */
} Space;

static void
space_init(gpointer opaque)
{
    Space *space = opaque;

    g_mutex_init(&space->lock);
}

static void
space_clear(gpointer opaque)
{
    Space *space = opaque;

    g_mutex_clear(&space->lock);
    g_free(space->full_pool);
}

static Space *
space_of(const StoreCluster *cluster)
{
    static const StorePart part = {sizeof(Space), space_init, NULL,
                                   space_clear};

    return store_cluster_part(cluster, &part);
}

static void
set_known(StoreCluster *cluster, const char *pool)
{
    Space *space = space_of(cluster);

    g_mutex_lock(&space->lock);
    g_free(space->full_pool);
    space->full_pool = g_strdup(pool);
    g_mutex_unlock(&space->lock);
}

bool
store_space_is_missing(StoreCluster *cluster)
{
    Space *space = space_of(cluster);
    bool missing;

    g_mutex_lock(&space->lock);
    missing = space->full_pool != NULL;
    g_mutex_unlock(&space->lock);
    return missing;
}

/* TRUE: none of its pools is known to be full. */
static gboolean
check(StoreConn *conn, const Stuck *stuck, GError **error)
{
    int r = 0;
    const char *pool = store_pools_full(conn, (const char *const *)stuck->pools,
                                        G_N_ELEMENTS(stuck->pools), &r);

    set_known(conn->cluster, pool);
    return !pool || store_fail(error, NULL, r, "cannot make '%s' in pool '%s'",
                               stuck->disk, pool);
}

gboolean
store_data_space_check(StoreConn *conn,
                       const StoreDisk *disk,
                       const char *data_pool,
                       GError **error)
{
    int r = data_pool ? store_pool_space_cached(conn, data_pool) : 0;

    return r >= 0 ||
           store_explain(error, r, "the data of '%s/%s' goes to pool '%s'",
                         disk->pool, disk->image, data_pool);
}

gboolean
store_space_check(StoreConn *conn, const StoreDisk *disk, GError **error)
{
    const char *wanted = store_settings(conn->cluster)->clone_data_pool;
    g_autofree char *data_pool = store_new_data_pool(conn, wanted);
    g_auto(Stuck) stuck = {0};

    if (!store_data_space_check(conn, disk, data_pool, error))
        return FALSE;
    if (!store_space_is_missing(conn->cluster))
        return TRUE;
    stuck_on(&(StoreTarget){disk->pool, disk->image, disk->parent.pool,
                            disk->parent.image},
             &stuck);
    stuck.pools[2] = g_steal_pointer(&data_pool);
    return check(conn, &stuck, error);
}

gboolean
store_cluster_has_space(StoreCluster *cluster,
                        const char *waiter,
                        GError **error)
{
    gint64 before = g_get_monotonic_time() - SLOW_US;
    g_auto(Stuck) stuck = {0};
    g_autoptr(StoreConn) conn = NULL;

    if (!store_work_oldest(cluster, waiter, before, stuck_on, &stuck))
        return TRUE;
    store_stalls_await(cluster);
    for (gsize i = 0; i < G_N_ELEMENTS(stuck.pools); i++)
        if (!store_stalls_check(cluster, stuck.pools[i], stuck.images[i],
                                error))
            return FALSE;
    conn = store_conn_acquire(cluster, error);
    stuck.pools[2] = g_strdup(store_settings(cluster)->clone_data_pool);
    return conn && check(conn, &stuck, error);
}
