/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/snap-remove.c - a snapshot goes, unless clones would lose by it
 */
#include "config.h"

#include "agent/rbd/volume/snap-remove.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/children.h"

#include <errno.h>

static gboolean
fail(const StoreSnapAt *at,
     int r,
     const char *what,
     const StoreVolumeSnap *snap,
     GError **error)
{
    return store_fail(error, at->conn, r, "cannot %s snapshot '%s/%s@%s'", what,
                      at->pool, at->image, snap->name);
}

/* Clones of format 1 lose their content with it, and librbd counts on seeing
 * them. */
static gboolean
check_unseen(const StoreSnapAt *at,
             gpointer handle,
             const StoreVolumeSnap *snap,
             GError **error)
{
    g_autoptr(GPtrArray) children =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_child_free);
    g_autoptr(GPtrArray) unseen = g_ptr_array_new_with_free_func(g_free);
    int r = snap->is_protected ? store_children_read(at->conn, at->io, handle,
                                                     children, unseen)
                               : 0;

    if (r < 0)
        return fail(at, r, "look at", snap, error);
    if (unseen->len == 0)
        return TRUE;
    return store_refuse(error, STORE_ERROR_FAILED,
                        "snapshot '%s/%s@%s' may have clones of format 1 in "
                        "pool '%s', where client.%s may not look: add 'allow "
                        "class-read object_prefix rbd_children' to its osd "
                        "caps (ceph auth caps)",
                        at->pool, at->image, snap->name,
                        (const char *)g_ptr_array_index(unseen, 0),
                        store_cluster_user(at->conn->cluster));
}

gboolean
store_snap_remove_unused(const StoreSnapAt *at,
                         gpointer handle,
                         const StoreVolumeSnap *snap,
                         GError **error)
{
    int r;

    if (!check_unseen(at, handle, snap, error))
        return FALSE;
    r = store_snap_remove(handle, snap);
    if (r == -EBUSY)
        return store_refuse(error, STORE_ERROR_BUSY,
                            "snapshot '%s/%s@%s' is in use by clones of format "
                            "1: remove or flatten them first (rbd children "
                            "%s/%s@%s)",
                            at->pool, at->image, snap->name, at->pool,
                            at->image, snap->name);
    return r >= 0 || fail(at, r, "remove", snap, error);
}
