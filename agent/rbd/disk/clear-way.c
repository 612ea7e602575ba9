/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/clear-way.c - what a dead maker of an image left goes
 */
#include "config.h"

#include "agent/rbd/disk/clear-way.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/disk/build.h"
#include "agent/rbd/image/going.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/image/trash.h"

/* Whether a dead adder has left it so: it says that it is being filled, or has
 * not even come to saying so. */
static gboolean
is_half_made(StoreConn *conn,
             const char *pool,
             const char *image,
             const StoreLook *look,
             bool *ret,
             GError **error)
{
    bool data = true;

    *ret = false;
    if (!look->there || look->snaps > 0 || look->has_parent || look->marked)
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

gboolean
store_clear_way(StoreConn *conn,
                const char *pool,
                const char *image,
                GError **error)
{
    const StoreDisk headless = {.pool = pool, .image = image};
    g_auto(StoreLook) look = {0};
    bool half_made;
    bool any;

    if (!store_finish_removals(conn, pool, image, &any, error) ||
        !store_look(conn, pool, image, NULL, &look, error) ||
        !is_half_made(conn, pool, image, &look, &half_made, error))
        return FALSE;
    if (!half_made)
        return TRUE;
    if (!look.opens)
        return store_remove_headless(conn, &headless, error);
    return store_trash(conn, pool, image,
                       "half-made by an add that was cut short", error);
}
