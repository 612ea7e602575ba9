/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/origin.c - the snapshot that was made for a volume alone
 */
#include "config.h"

#include "agent/rbd/volume/origin.h"

#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/volume/name.h"
#include "agent/rbd/volume/snaps.h"

#include <errno.h>
#include <string.h>

/* How Cinder calls a volume that was deleted while it had clones. */
#define DELETED ".deleted"
/* More than any chain has. */
#define CHAIN_MAX 256u
/* Of an image's name, with the end. */
#define NAME_BYTES 512u

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
        .snap_id = snap.id,
        .in_trash = image.trash,
        .lets_go = (operations & RBD_OPERATION_FEATURE_CLONE_CHILD) != 0,
    };
    rbd_linked_image_spec_cleanup(&image);
    rbd_snap_spec_cleanup(&snap);
    return 0;
}

/* Where its image is. On a full pool, too: what goes makes space. */
static int
open_pool(StoreConn *conn, const StoreOwnSnap *origin, rados_ioctx_t *ret_io)
{
    int r = rados_ioctx_create2(conn->rados, origin->pool, ret_io);

    if (r < 0)
        return r;
    rados_ioctx_set_namespace(*ret_io, origin->space);
    rados_set_pool_full_try(*ret_io);
    return 0;
}

/* How the image is called by now, and whether it is in the trash. */
static int
find_noted(StoreConn *conn, StoreOwnSnap *origin)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) parent = NULL;
    rbd_trash_image_info_t trashed;
    char name[NAME_BYTES] = "";
    size_t len = sizeof(name);
    int r = open_pool(conn, origin, &io);

    if (r >= 0)
        r = rbd_open_by_id_read_only(io, origin->id, &parent, NULL);
    if (r >= 0)
        r = rbd_get_name(parent, name, &len);
    if (r < 0)
        return r;
    origin->name = g_strdup(name);
    origin->in_trash = rbd_trash_get(io, origin->id, &trashed) >= 0;
    if (origin->in_trash)
        rbd_trash_get_cleanup(&trashed);
    return 0;
}

/* What it hangs from, or else hung from. */
static int
read_handle(rbd_image_t handle, const char *name, StoreOwnSnap *ret_origin)
{
    int r = read_origin(handle, name, ret_origin);

    return r < 0 || ret_origin->id ? r
                                   : store_origin_note_read(handle, ret_origin);
}

static int
read_either(const StoreClaimed *claimed, StoreOwnSnap *ret_origin)
{
    g_auto(StoreHandle) handle = NULL;
    int r = rbd_open_read_only(claimed->io, claimed->volume, &handle, NULL);

    return r < 0 ? r : read_handle(handle, claimed->volume, ret_origin);
}

/* Where nothing can be found there is nothing to let go of. Any other failure counts:
 * the note goes with the volume, and nothing else says whose that is. */
static int
follow_note(StoreConn *conn, StoreOwnSnap *origin)
{
    int r = origin->own && !origin->name ? find_noted(conn, origin) : 0;

    if (r != -ENOENT)
        return r;
    store_own_snap_clear(origin);
    return 0;
}

gboolean
store_own_snap_read(const StoreClaimed *claimed,
                    StoreOwnSnap *ret_origin,
                    GError **error)
{
    int r = read_either(claimed, ret_origin);

    if (r < 0)
        return store_fail(error, claimed->conn, r,
                          "cannot look at volume '%s/%s'", claimed->pool,
                          claimed->volume);
    r = follow_note(claimed->conn, ret_origin);
    return r >= 0 ||
           store_fail(error, claimed->conn, r,
                      "cannot look for the snapshot '%s' of image '%s' that "
                      "volume '%s/%s' hung from",
                      ret_origin->snap, ret_origin->id, claimed->pool,
                      claimed->volume);
}

gboolean
store_own_snap_read_trashed(StoreConn *conn,
                            gpointer handle,
                            const StoreTrashed *trashed,
                            StoreOwnSnap *ret_origin,
                            GError **error)
{
    int r = read_handle(handle, trashed->image, ret_origin);

    if (r < 0)
        return store_fail(error, conn, r, "cannot read what it hangs from");
    r = follow_note(conn, ret_origin);
    return r >= 0 || store_fail(error, conn, r,
                                "cannot look for the snapshot '%s' of image "
                                "'%s' that it hung from",
                                ret_origin->snap, ret_origin->id);
}

/* Who wrote it before may hang, and hold the lock. */
static int
write_note(rbd_image_t handle, const char *id, const StoreOwnSnap *origin)
{
    g_auto(StoreOwnSnap) was = {0};
    int r = store_origin_note_read(handle, &was);

    if (r < 0 || store_origin_note_same(&was, origin))
        return r;
    return store_origin_note_write(handle, id, origin);
}

int
store_own_snap_note(gpointer handle,
                    const char *volume,
                    const char *id,
                    bool *ret_own)
{
    g_auto(StoreOwnSnap) origin = {0};
    int r = read_origin(handle, volume, &origin);

    *ret_own = r >= 0 && origin.own;
    return *ret_own ? write_note(handle, id, &origin) : r;
}

/* One that is gone is no error, nor that its name is another one's by now. */
static int
remove_origin(rbd_image_t parent, const StoreOwnSnap *origin)
{
    const StoreVolumeSnap snap = {.name = origin->snap, .is_protected = true};
    uint64_t id = 0;
    int r = rbd_snap_get_id(parent, origin->snap, &id);

    if (r == -ENOENT || (r >= 0 && id != origin->snap_id))
        return 0;
    return r < 0 ? r : store_snap_remove(parent, &snap);
}

/* ret_next: what the parent itself hangs from. ret_left: how many snapshots the
 * parent has then, of whatever sort. */
static int
remove_snap(rados_ioctx_t io,
            const StoreOwnSnap *origin,
            StoreOwnSnap *ret_next,
            int *ret_left)
{
    g_auto(StoreHandle) parent = NULL;
    rbd_snap_info_t none;
    int max = 0;
    int r = rbd_open_by_id(io, origin->id, &parent, NULL);

    if (r >= 0)
        r = remove_origin(parent, origin);
    if (r >= 0)
        store_snaps_remove_left(parent);
    if (r >= 0)
        r = read_origin(parent, origin->name, ret_next);
    if (r >= 0)
        r = rbd_snap_list(parent, &none, &max);
    *ret_left = max > 0 ? max - 1 : 0;
    return r == -ERANGE ? 0 : r;
}

bool
store_own_snap_is_enough(int r)
{
    return r >= 0 || r == -ENOENT || r == -EBUSY || r == -ENOTEMPTY;
}

/* -EPERM: this user may not write there. */
static bool
is_enough(int r)
{
    return store_own_snap_is_enough(r) || r == -EPERM;
}

int
store_own_snap_retire(StoreConn *conn, const StoreOwnSnap *origin)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) parent = NULL;
    int r;

    if (!origin->own)
        return 0;
    if (!origin->lets_go)
        return -EBUSY;
    r = open_pool(conn, origin, &io);
    if (r >= 0)
        r = rbd_open_by_id(io, origin->id, &parent, NULL);
    return r < 0 ? r : remove_origin(parent, origin);
}

bool
store_own_snap_is_kept(const StoreOwnSnap *origin)
{
    return origin->name && g_str_has_suffix(origin->name, DELETED);
}

int
store_own_snap_drop(StoreConn *conn, const StoreOwnSnap *origin)
{
    g_auto(StoreOwnSnap) at = {0};
    int r = 0;

    for (guint i = 0; i < CHAIN_MAX; i++) {
        const StoreOwnSnap *now = i == 0 ? origin : &at;
        g_auto(StoreOwnSnap) next = {0};
        g_auto(StoreIo) io = NULL;
        int left = 0;

        if (!now->own)
            break;
        r = open_pool(conn, now, &io);
        if (r < 0)
            break;
        r = remove_snap(io, now, &next, &left);
        if (r < 0 || left > 0 || now->in_trash || !store_own_snap_is_kept(now))
            break;
        r = rbd_remove(io, now->name);
        if (r < 0)
            break;
        store_own_snap_clear(&at);
        at = next;
        next = (StoreOwnSnap){0};
    }
    return r;
}

static gboolean
fail(const StoreClaimed *claimed,
     const StoreOwnSnap *origin,
     int r,
     GError **error)
{
    return store_fail(error, claimed->conn, r,
                      "'%s/%s' is done, but cannot remove the snapshot '%s@%s' "
                      "that it hung from",
                      claimed->pool, claimed->volume,
                      origin->name ? origin->name : origin->id, origin->snap);
}

gboolean
store_own_snap_let_go(const StoreClaimed *claimed,
                      const StoreOwnSnap *origin,
                      GError **error)
{
    int r = store_own_snap_drop(claimed->conn, origin);

    return is_enough(r) || fail(claimed, origin, r, error);
}

int
store_own_snap_forget(const StoreClaimed *claimed)
{
    StoreHandle handle = NULL;
    int r = rbd_open(claimed->io, claimed->volume, &handle, NULL);
    int closed;

    if (r < 0)
        return r;
    r = store_origin_note_remove(handle);
    closed = store_close(handle);
    return r < 0 ? r : closed;
}

gboolean
store_own_snap_let_go_noted(const StoreClaimed *claimed, GError **error)
{
    g_auto(StoreOwnSnap) origin = {0};
    int r = read_either(claimed, &origin);

    if (r < 0)
        return store_fail(error, claimed->conn, r,
                          "cannot look at volume '%s/%s'", claimed->pool,
                          claimed->volume);
    if (!origin.own || origin.name)
        return TRUE;
    r = find_noted(claimed->conn, &origin);
    if (r >= 0)
        r = store_own_snap_drop(claimed->conn, &origin);
    if (r == -EPERM || r == -EBUSY)
        return TRUE;
    if (is_enough(r))
        r = store_own_snap_forget(claimed);
    return r >= 0 || fail(claimed, &origin, r, error);
}
