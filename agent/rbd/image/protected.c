/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/protected.c - is this an image that others are cloned from?
 */
#include "config.h"

#include "agent/rbd/image/protected.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/list.h"

bool
store_image_is_protected(StoreCluster *cluster,
                         const char *pool,
                         const char *image)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, &why);
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    int is_protected = 0;
    int r;

    if (!conn || !store_ioctx(conn, pool, &io, &why))
        return false;
    r = rbd_open_read_only(io, image, &handle, NULL);
    if (r >= 0)
        r = rbd_snap_is_protected(handle, STORE_SNAP, &is_protected);
    store_conn_note(conn, r, pool, image);
    return r >= 0 && is_protected != 0;
}
