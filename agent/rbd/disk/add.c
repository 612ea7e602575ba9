/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/add.c - an image is added under its claim
 *
 * The claim tells a living adder from a dead one: the first is waited for, the
 * second's half-made image goes to the trash and the way is free. Whatever else
 * is there under that name is somebody's, and stays.
 */
#include "config.h"

#include "agent/rbd/disk/add.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/blank.h"
#include "agent/rbd/disk/clear-way.h"
#include "agent/rbd/disk/image-claim.h"
#include "agent/rbd/disk/pool-space.h"
#include "agent/rbd/image/add.h"

/* way NULL: the source's file. */
static gboolean
add(StoreCluster *cluster,
    StoreCopy *copy,
    const StoreAddWay *way,
    GError **error)
{
    const char *pool = copy->pool;
    const char *image = copy->image;
    g_autoptr(StoreConn) conn = NULL;
    g_auto(StoreIo) io = NULL;
    g_autoptr(GError) why = NULL;
    g_autofree char *data_pool = NULL;
    StoreClaim *claim = NULL;
    bool dead = false;

    store_conn_will_unprotect(cluster);
    conn = store_conn_acquire(cluster, error);
    if (!conn || !store_ioctx(conn, pool, &io, error))
        return FALSE;
    data_pool = store_new_data_pool(conn, NULL);
    if ((data_pool && !store_pool_check_space(conn, data_pool, error)) ||
        !store_image_claim(conn, pool, image, true, &claim, &dead, error))
        return FALSE;
    /* On a full pool writes fail and say so, where they would wait for space
     * until the time limit. */
    rados_set_pool_full_try(io);
    if (!dead || store_clear_way(conn, pool, image, &why))
        (void)(way ? store_add_by(conn, io, way, copy, &why)
                   : store_add(conn, io, copy, &why));
    return store_image_unclaim(claim, g_steal_pointer(&why), error);
}

gboolean
store_image_add(StoreCluster *cluster,
                const char *pool,
                const char *image,
                const StoreImageSource *source,
                guint64 *ret_size,
                GError **error)
{
    StoreCopy copy;

    if (!store_add_check(source, pool, image, &copy, error) ||
        !add(cluster, &copy, NULL, error))
        return FALSE;
    *ret_size = copy.size;
    return TRUE;
}

static gboolean
fill_by(StoreCopy *copy, gpointer data, GError **error)
{
    return store_fill_by(copy->conn, data, copy->handle, error);
}

gboolean
store_image_add_filled(StoreCluster *cluster,
                       const char *pool,
                       const char *image,
                       const StoreImageSource *source,
                       guint64 size,
                       StoreFill fill,
                       gpointer fill_data,
                       GError **error)
{
    StoreDisk disk = {
        .pool = pool,
        .image = image,
        .size = size,
        .fill = fill,
        .fill_data = fill_data,
    };
    const StoreAddWay way = {
        .create = store_add_create, .fill = fill_by, .data = &disk};
    StoreCopy copy;

    return store_add_check_filled(source, pool, image, size, &copy, error) &&
           add(cluster, &copy, &way, error);
}
