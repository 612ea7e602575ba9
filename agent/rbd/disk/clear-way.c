/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/clear-way.c - what a dead maker of an image left goes
 */
#include "config.h"

#include "agent/rbd/disk/clear-way.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/build.h"
#include "agent/rbd/disk/passing.h"
#include "agent/rbd/image/going.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/image/trash.h"

#include <errno.h>
#include <rbd/librbd.h>

/* Whether a dead adder has left it so: it says that it is being filled, or has
 * not even come to saying so. disk: of which one it is made, or NULL. */
static gboolean
is_half_made(StoreConn *conn,
             const char *pool,
             const char *image,
             const StoreLook *look,
             const char *disk,
             bool *ret,
             GError **error)
{
    bool data = true;

    *ret = disk != NULL;
    if (!look->there || look->snaps > 0 || look->marked || look->has_parent ||
        disk)
        return TRUE;
    if (!look->building && look->opens &&
        !store_has_data(conn, pool, image, &data, error))
        return FALSE;
    *ret = look->building || !look->opens || !data;
    return TRUE;
}

gboolean
store_finish_removals(StoreConn *conn,
                      const char *pool,
                      const char *image,
                      bool *ret_any,
                      GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_auto(GStrv) ids = NULL;

    if (!store_ioctx(conn, pool, &io, error))
        return FALSE;
    rados_set_pool_full_try(io);
    ids = store_going_ids(conn, io, pool, image, error);
    for (gsize i = 0; ids && ids[i]; i++)
        if (!store_going_finish(conn, io, pool, image, ids[i], error))
            return FALSE;
    *ret_any = ids && ids[0];
    return ids != NULL;
}

/* Nothing is lost of a clone, and in the trash it would keep its disk's snapshot. */
static gboolean
remove_clone(StoreConn *conn,
             const char *pool,
             const char *image,
             const char *disk,
             GError **error)
{
    g_auto(StoreIo) io = NULL;
    int r;

    if (!store_ioctx(conn, pool, &io, error))
        return FALSE;
    r = rbd_remove(io, image);
    if (r < 0 && r != -ENOENT)
        return store_fail(error, conn, r,
                          "cannot remove the half-made image '%s/%s', call it "
                          "again",
                          pool, image);
    return store_passing_remove(conn, disk, pool, image, error);
}

gboolean
store_clear_clone(StoreConn *conn,
                  const char *pool,
                  const char *image,
                  GError **error)
{
    g_auto(StoreLook) look = {0};
    g_autofree char *disk = NULL;

    if (!store_look(conn, pool, image, NULL, &look, error))
        return FALSE;
    disk = store_passing_disk(&look, pool, image);
    return !disk || remove_clone(conn, pool, image, disk, error);
}

gboolean
store_clear_way(StoreConn *conn,
                const char *pool,
                const char *image,
                GError **error)
{
    const StoreDisk headless = {.pool = pool, .image = image};
    g_auto(StoreLook) look = {0};
    g_autofree char *disk = NULL;
    bool half_made;
    bool any;

    if (!store_finish_removals(conn, pool, image, &any, error) ||
        !store_look(conn, pool, image, NULL, &look, error))
        return FALSE;
    disk = store_passing_disk(&look, pool, image);
    if (!is_half_made(conn, pool, image, &look, disk, &half_made, error))
        return FALSE;
    if (!half_made)
        return TRUE;
    if (disk)
        return remove_clone(conn, pool, image, disk, error);
    if (!look.opens)
        return store_remove_headless(conn, &headless, error);
    return store_trash(conn, pool, image,
                       "half-made by an add that was cut short", error);
}
