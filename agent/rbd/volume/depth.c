/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/depth.c - on how many volumes does an image stand?
 *
 * Each parent is opened by its id, so that one which was renamed, or moved to the
 * trash, counts like any other. Where this user may not look nothing is known of
 * what lies above.
 */
#include "config.h"

#include "agent/rbd/volume/depth.h"

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/volume/name.h"

#include <errno.h>

/* More than librbd could open. */
#define CHAIN_MAX 256u

/* 1: there is one; 0: none, or none that may be seen. */
static int
open_parent(StoreConn *conn,
            rbd_image_t child,
            StoreHandle *ret_parent,
            StoreIo *ret_io,
            guint *depth)
{
    rbd_linked_image_spec_t image = {0};
    rbd_snap_spec_t snap = {0};
    int r = rbd_get_parent(child, &image, &snap);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    if (image.image_name &&
        g_str_has_prefix(image.image_name, STORE_VOLUME_PREFIX))
        ++*depth;
    r = rados_ioctx_create2(conn->rados, image.pool_id, ret_io);
    if (r >= 0) {
        if (image.pool_namespace)
            rados_ioctx_set_namespace(*ret_io, image.pool_namespace);
        r = rbd_open_by_id_read_only(*ret_io, image.image_id, ret_parent, NULL);
    }
    rbd_linked_image_spec_cleanup(&image);
    rbd_snap_spec_cleanup(&snap);
    if (r == -EPERM || r == -ENOENT)
        return 0;
    return r < 0 ? r : 1;
}

int
store_depth(StoreConn *conn, gpointer handle, guint *ret_depth)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) at = NULL;
    int r = 1;

    *ret_depth = 0;
    for (guint i = 0; r > 0 && i < CHAIN_MAX; i++) {
        g_auto(StoreIo) of_parent = NULL;
        g_auto(StoreHandle) parent = NULL;

        r = open_parent(conn, at ? at : handle, &parent, &of_parent, ret_depth);
        store_rbd_clear(&at);
        store_ioctx_clear(&io);
        at = g_steal_pointer(&parent);
        io = g_steal_pointer(&of_parent);
    }
    return MIN(r, 0);
}
