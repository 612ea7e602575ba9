/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/origin.c - the snapshot that was made for a volume alone
 */
#include "config.h"

#include "agent/rbd/volume/origin.h"

#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/volume/name.h"
#include "agent/rbd/volume/snaps.h"

#include <errno.h>
#include <string.h>

/* How Cinder calls a volume that was deleted while it had clones. */
#define DELETED ".deleted"
/* More than any chain has. */
#define CHAIN_MAX 256u

void
store_own_snap_clear(StoreOwnSnap *origin)
{
    g_free(origin->space);
    g_free(origin->id);
    g_free(origin->name);
    g_free(origin->snap);
    *origin = (StoreOwnSnap){0};
}

/* name: the child's. */
static int
read_origin(rbd_image_t handle, const char *name, StoreOwnSnap *ret)
{
    bool deleted = g_str_has_suffix(name, DELETED);
    g_autofree char *alive =
        g_strndup(name, strlen(name) - (deleted ? strlen(DELETED) : 0));
    g_autofree char *snap_name = store_clone_snap(alive);
    rbd_linked_image_spec_t image = {0};
    rbd_snap_spec_t snap = {0};
    uint64_t operations = 0;
    int r = rbd_get_parent(handle, &image, &snap);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    (void)rbd_get_op_features(handle, &operations);
    *ret = (StoreOwnSnap){
        .own = strcmp(snap.name, snap_name) == 0,
        .pool = image.pool_id,
        .space = g_strdup(image.pool_namespace ? image.pool_namespace : ""),
        .id = g_strdup(image.image_id),
        .name = g_strdup(image.image_name),
        .snap = g_strdup(snap.name),
        .in_trash = image.trash,
        .lets_go = (operations & RBD_OPERATION_FEATURE_CLONE_CHILD) != 0,
    };
    rbd_linked_image_spec_cleanup(&image);
    rbd_snap_spec_cleanup(&snap);
    return 0;
}

gboolean
store_own_snap_read(const StoreHold *hold,
                    StoreOwnSnap *ret_origin,
                    GError **error)
{
    g_auto(StoreHandle) handle = NULL;
    int r = rbd_open_read_only(hold->io, hold->volume, &handle, NULL);

    if (r >= 0)
        r = read_origin(handle, hold->volume, ret_origin);
    return r >= 0 ||
           store_fail(error, hold->conn, r, "cannot look at volume '%s/%s'",
                      hold->pool, hold->volume);
}

/* ret_next: what the parent itself hangs from. ret_left: how many snapshots the
 * parent has then, of whatever sort. */
static int
drop_snap(rados_ioctx_t io,
          const StoreOwnSnap *origin,
          StoreOwnSnap *ret_next,
          int *ret_left)
{
    const StoreVolumeSnap snap = {.name = origin->snap, .is_protected = true};
    g_auto(StoreHandle) parent = NULL;
    rbd_snap_info_t none;
    int room = 0;
    int r = rbd_open_by_id(io, origin->id, &parent, NULL);

    if (r >= 0)
        r = store_snap_drop(parent, &snap);
    if (r >= 0)
        store_snaps_drop_left(parent);
    if (r >= 0)
        r = read_origin(parent, origin->name, ret_next);
    if (r >= 0)
        r = rbd_snap_list(parent, &none, &room);
    *ret_left = room > 0 ? room - 1 : 0;
    return r == -ERANGE ? 0 : r;
}

/* -ENOENT, -EBUSY: somebody was faster, or still needs it. -EPERM: this user may
 * not write there. */
static bool
is_enough(int r)
{
    return r == -ENOENT || r == -EBUSY || r == -EPERM || r == -ENOTEMPTY;
}

void
store_own_snap_retire(const StoreHold *hold, const StoreOwnSnap *origin)
{
    const StoreVolumeSnap snap = {.name = origin->snap, .is_protected = true};
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) parent = NULL;

    if (!origin->own || origin->in_trash || !origin->lets_go ||
        rados_ioctx_create2(hold->conn->rados, origin->pool, &io) < 0)
        return;
    rados_ioctx_set_namespace(io, origin->space);
    if (rbd_open_by_id(io, origin->id, &parent, NULL) >= 0)
        (void)store_snap_drop(parent, &snap);
}

gboolean
store_own_snap_let_go(const StoreHold *hold,
                      const StoreOwnSnap *origin,
                      GError **error)
{
    g_auto(StoreOwnSnap) at = {0};
    int r = 0;

    for (guint i = 0; i < CHAIN_MAX; i++) {
        const StoreOwnSnap *now = i == 0 ? origin : &at;
        g_auto(StoreOwnSnap) next = {0};
        g_auto(StoreIo) io = NULL;
        int left = 0;

        if (!now->own || now->in_trash)
            return TRUE;
        r = rados_ioctx_create2(hold->conn->rados, now->pool, &io);
        if (r < 0)
            break;
        rados_ioctx_set_namespace(io, now->space);
        r = drop_snap(io, now, &next, &left);
        if (r < 0 || left > 0 || !g_str_has_suffix(now->name, DELETED))
            break;
        r = rbd_remove(io, now->name);
        if (r < 0)
            break;
        store_own_snap_clear(&at);
        at = next;
        next = (StoreOwnSnap){0};
    }
    if (r >= 0 || is_enough(r))
        return TRUE;
    return store_fail(error, hold->conn, r,
                      "'%s/%s' is done, but cannot remove the snapshot '%s@%s' "
                      "that it hung from",
                      hold->pool, hold->volume, origin->name, origin->snap);
}
