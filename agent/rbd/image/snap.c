/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/snap.c - is there this snapshot of an image?
 */
#include "config.h"

#include "agent/rbd/image/snap.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/handle.h"

#include <errno.h>

gboolean
store_snap_find(StoreConn *conn,
                const char *pool,
                const char *image,
                const char *snap,
                bool *ret_there,
                guint64 *ret_size,
                GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    uint64_t size = 0;
    int r;

    if (!store_ioctx(conn, pool, &io, error))
        return FALSE;
    r = rbd_open_read_only(io, image, &handle, snap);
    if (r >= 0)
        r = rbd_get_size(handle, &size);
    *ret_there = r >= 0;
    *ret_size = size;
    if (r >= 0 || r == -ENOENT)
        return TRUE;
    store_conn_note(conn, r, pool, image);
    return store_fail(error, NULL, r, "cannot look at snapshot '%s/%s@%s'",
                      pool, image, snap);
}

gboolean
store_snap_find_protected(StoreConn *conn,
                          const char *pool,
                          const char *image,
                          const char *snap,
                          bool *ret_there,
                          GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    int is_protected = 0;
    int r;

    if (!store_ioctx(conn, pool, &io, error))
        return FALSE;
    r = rbd_open_read_only(io, image, &handle, NULL);
    if (r >= 0)
        r = rbd_snap_is_protected(handle, snap, &is_protected);
    *ret_there = is_protected != 0;
    if (r >= 0 || r == -ENOENT)
        return TRUE;
    store_conn_note(conn, r, pool, image);
    return store_fail(error, NULL, r, "cannot look at snapshot '%s/%s@%s'",
                      pool, image, snap);
}

gboolean
store_snapshot(StoreCluster *cluster,
               const char *pool,
               const char *image,
               const char *snap,
               bool *ret_there,
               guint64 *ret_size,
               GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);

    return conn &&
           store_snap_find(conn, pool, image, snap, ret_there, ret_size, error);
}
