/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/depth.c - how many parents stand one above another
 *
 * By what the images say, never by names; each parent is opened by its id, for it
 * may be in the trash. librbd has them all open when it opens the last, but does
 * not say how many they are.
 */
#include "config.h"

#include "agent/rbd/image/depth.h"

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/image/handle.h"

static int
open_spec(StoreConn *conn,
          const rbd_linked_image_spec_t *image,
          const rbd_snap_spec_t *snap,
          rados_ioctx_t *io,
          rbd_image_t *parent)
{
    int r = rados_ioctx_create2(conn->rados, image->pool_id, io);

    if (r < 0)
        return r;
    rados_ioctx_set_namespace(*io, image->pool_namespace);
    r = rbd_open_by_id_read_only(*io, image->image_id, parent, NULL);
    /* A clone that lost its parent may have a snapshot that did not. */
    return r >= 0 ? rbd_snap_set_by_id(*parent, snap->id) : r;
}

static int
open_parent(StoreConn *conn,
            rbd_image_t handle,
            const char *prefix,
            rados_ioctx_t *io,
            rbd_image_t *parent,
            guint *depth)
{
    rbd_linked_image_spec_t image = {0};
    rbd_snap_spec_t snap = {0};
    int r = rbd_get_parent(handle, &image, &snap);

    if (r < 0)
        return r;
    if (g_str_has_prefix(image.image_name, prefix))
        ++*depth;
    r = open_spec(conn, &image, &snap, io, parent);
    rbd_linked_image_spec_cleanup(&image);
    rbd_snap_spec_cleanup(&snap);
    return r;
}

/* What cannot be opened ends the count: it is there, and keeps nobody from making
 * a clone. */
guint
store_depth(StoreConn *conn, gpointer handle, const char *prefix)
{
    rbd_image_t at = handle;
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) last = NULL;
    guint depth = 0;

    for (guint i = 0; i < STORE_DEPTH_MAX; i++) {
        rados_ioctx_t above_io = NULL;
        rbd_image_t above = NULL;
        int r = open_parent(conn, at, prefix, &above_io, &above, &depth);

        store_rbd_clear(&last);
        store_ioctx_clear(&io);
        last = above;
        io = above_io;
        at = above;
        if (r < 0)
            break;
    }
    return depth;
}

bool
store_depth_is_too_much(const StoreSettings *own, guint of_parent)
{
    return own->clone_flatten || of_parent + 1 > own->clone_max_depth;
}
