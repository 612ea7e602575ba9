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
#include "agent/rbd/disk/build.h"
#include "agent/rbd/disk/image-claim.h"
#include "agent/rbd/image/add.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/image/trash.h"

/* Whether a dead adder has left it so: it says that it is being filled, or has
 * not even come to saying so. */
static gboolean
is_half_made(StoreConn *conn,
             const StoreCopy *copy,
             const StoreLook *look,
             bool *ret,
             GError **error)
{
    bool data = true;

    *ret = false;
    if (!look->there || look->snaps > 0 || look->has_parent || look->marked)
        return TRUE;
    if (!look->building && look->opens &&
        !store_has_data(conn, copy->pool, copy->image, &data, error))
        return FALSE;
    *ret = look->building || !look->opens || !data;
    return TRUE;
}

/* Under the claim of one that is dead. */
static gboolean
clear_way(StoreConn *conn, const StoreCopy *copy, GError **error)
{
    const StoreDisk disk = {.pool = copy->pool, .image = copy->image};
    g_auto(StoreLook) look = {0};
    bool half_made;

    if (!store_look(conn, copy->pool, copy->image, NULL, &look, error) ||
        !is_half_made(conn, copy, &look, &half_made, error))
        return FALSE;
    if (!half_made)
        return TRUE;
    if (!look.opens)
        return store_remove_headless(conn, &disk, error);
    return store_trash(conn, copy->pool, copy->image,
                       "half-made by an add that was cut short", error);
}

gboolean
store_image_add(StoreCluster *cluster,
                const char *pool,
                const char *image,
                const StoreImageSource *source,
                guint64 *ret_size,
                GError **error)
{
    g_autoptr(StoreConn) conn = NULL;
    g_auto(StoreIo) io = NULL;
    g_autoptr(GError) why = NULL;
    StoreClaim *claim = NULL;
    StoreCopy copy;
    bool dead = false;

    if (!store_add_check(source, pool, image, &copy, error))
        return FALSE;
    store_conn_will_unprotect(cluster);
    conn = store_conn_acquire(cluster, error);
    if (!conn || !store_ioctx(conn, pool, &io, error) ||
        !store_image_claim(conn, pool, image, true, &claim, &dead, error))
        return FALSE;
    /* On a full pool writes fail and say so, where they would wait for space
     * until the time limit. */
    rados_set_pool_full_try(io);
    if (!dead || clear_way(conn, &copy, &why))
        (void)store_add(conn, io, &copy, &why);
    store_image_unclaim(claim, why);
    *ret_size = copy.size;
    if (!why)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}
