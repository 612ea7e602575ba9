/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/build.c - clone, grow, mark; and take a failed one away
 *
 * There is a short way (clone.c) and a long one, here, by librbd, for whatever is
 * out of the ordinary, or if the configuration says so.
 *
 * The mark comes last, so whatever dies before it leaves an image that is not
 * taken for done. Format 2 is asked for by name: with 'auto' a fresh cluster
 * clones in format 1 and refuses snapshots that are not protected.
 */
#include "config.h"

#include "agent/rbd/disk/build.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/stall.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/clone.h"
#include "agent/rbd/disk/full.h"
#include "agent/rbd/disk/options.h"
#include "agent/rbd/disk/origin.h"
#include "agent/rbd/disk/pool-space.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/depth.h"
#include "agent/rbd/image/flattening.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/image/namespace.h"
#include "agent/rbd/image/trash.h"

#include <errno.h>
#include <string.h>

#define CLONE_TRIES 2

static gboolean
fail_to_clone(StoreConn *conn, const StoreDisk *disk, int r, GError **error)
{
    return store_new_fail(conn, r, error, "cannot clone '%s/%s@%s' to '%s/%s'",
                          disk->parent.pool, disk->parent.image,
                          disk->parent.snap, disk->pool, disk->image);
}

/* -EEXIST comes back as *ret_exists, everything else below 0 is an error. */
static gboolean
clone_image(StoreConn *conn,
            const StoreDisk *disk,
            const StoreFound *parent,
            bool *ret_exists,
            GError **error)
{
    g_auto(StoreIo) from = NULL;
    g_auto(StoreIo) to = NULL;
    g_auto(StoreOptions) options = NULL;
    const char *image;
    int r;

    *ret_exists = false;
    if (!store_parent_ioctx(conn, disk->parent.pool, disk->parent.image, &from,
                            &image, error) ||
        !store_ioctx(conn, disk->pool, &to, error))
        return FALSE;
    rbd_image_options_create(&options);
    r = rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_CLONE_FORMAT, 2);
    if (r >= 0)
        r = store_new_options(options, store_settings(conn->cluster),
                              parent->object_size);
    if (r >= 0)
        r = store_new_find_pool(conn);
    if (r >= 0)
        r = STORE_FAULT("cloning");
    if (r >= 0)
        r = rbd_clone3(from, image, disk->parent.snap, to, disk->image,
                       options);
    if (r >= 0)
        r = STORE_FAULT("clone-returned");
    *ret_exists = r == -EEXIST;
    return r >= 0 || *ret_exists || fail_to_clone(conn, disk, r, error);
}

/* What was cloned must be what was looked at: the name may have been given to
 * another image meanwhile. */
static int
check_parent(rbd_image_t handle, const StoreFound *parent, bool *ret_same)
{
    rbd_linked_image_spec_t image = {0};
    rbd_snap_spec_t snap = {0};
    int r = rbd_get_parent(handle, &image, &snap);

    if (r < 0)
        return r;
    *ret_same =
        strcmp(image.image_id, parent->id) == 0 && snap.id == parent->snap_id;
    rbd_linked_image_spec_cleanup(&image);
    rbd_snap_spec_cleanup(&snap);
    return 0;
}

/* What is still to be done to it stands there before it is ready. */
static int
mark(StoreConn *conn,
     rbd_image_t handle,
     const StoreDisk *disk,
     const StoreFound *parent)
{
    const StoreFlattenMark wanted = {.wanted = true};
    char id[128] = "";
    int r = rbd_get_id(handle, id, sizeof(id));

    if (r >= 0 &&
        store_depth_is_too_much(store_settings(conn->cluster), parent->depth))
        r = store_flatten_mark_write(handle, id, &wanted);
    if (r < 0)
        return r;
    g_autofree char *text = store_mark_new(conn, disk->owner, disk->label, id);
    return rbd_metadata_set(handle, STORE_MARK_KEY, text);
}

/* The long way. */
static int
open_and_finish(StoreConn *conn,
                rbd_image_t handle,
                const StoreDisk *disk,
                const StoreFound *parent,
                guint64 size,
                bool *ret_same)
{
    int r = check_parent(handle, parent, ret_same);

    if (r < 0 || !*ret_same)
        return r;
    if (size > parent->size)
        r = rbd_resize2(handle, size, false, NULL, NULL);
    if (r >= 0)
        r = STORE_FAULT("grown");
    if (r >= 0)
        r = mark(conn, handle, disk, parent);
    if (r >= 0)
        r = STORE_FAULT("marked");
    return r;
}

static gboolean
finish(StoreConn *conn,
       const StoreDisk *disk,
       const StoreFound *parent,
       bool *ret_same,
       GError **error)
{
    g_auto(StoreIo) io = NULL;
    StoreHandle handle = NULL;
    int closed;
    int r;

    if (!store_ioctx(conn, disk->pool, &io, error))
        return FALSE;
    r = rbd_open(io, disk->image, &handle, NULL);
    if (r < 0)
        return store_fail(error, conn, r, "cannot open the new clone '%s/%s'",
                          disk->pool, disk->image);
    r = open_and_finish(conn, handle, disk, parent,
                        MAX(disk->size, parent->size), ret_same);
    closed = store_close(handle);
    r = r < 0 ? r : closed;
    if (r < 0)
        return store_fail(error, conn, r, "cannot finish the clone '%s/%s'",
                          disk->pool, disk->image);
    return TRUE;
}

gboolean
store_remove_headless(StoreConn *conn, const StoreDisk *disk, GError **error)
{
    g_auto(StoreIo) io = NULL;
    char id[128] = "";
    uint64_t size;
    time_t when;
    int r;

    if (!store_ioctx(conn, disk->pool, &io, error))
        return FALSE;
    r = store_id_read(io, disk->image, id, sizeof(id));
    if (r >= 0) {
        g_autofree char *header = g_strconcat("rbd_header.", id, NULL);

        r = rados_stat(io, header, &size, &when);
        if (r >= 0)
            return store_refuse(error, STORE_ERROR_REFUSED,
                                "'%s/%s' cannot be opened although its header "
                                "is there: see 'rbd info %s/%s'",
                                disk->pool, disk->image, disk->pool,
                                disk->image);
        if (r == -ENOENT)
            r = rbd_remove(io, disk->image);
        if (r >= 0)
            r = STORE_FAULT("removed");
    }
    if (r < 0 && r != -ENOENT)
        return store_fail(error, conn, r, "cannot remove the half-made '%s/%s'",
                          disk->pool, disk->image);
    return TRUE;
}

gboolean
store_grow(StoreConn *conn, const StoreDisk *disk, GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_autofree char *data_pool = NULL;
    g_autoptr(GError) full = NULL;
    StoreHandle handle = NULL;
    int closed;
    int r;

    if (!store_ioctx(conn, disk->pool, &io, error))
        return FALSE;
    r = rbd_open(io, disk->image, &handle, NULL);
    if (r >= 0) {
        data_pool = store_data_pool(conn, handle, disk->pool);
        if (store_data_space_check(conn, disk, data_pool, &full))
            r = rbd_resize2(handle, disk->size, false, NULL, NULL);
        if (r >= 0)
            r = STORE_FAULT("enlarged");
        closed = store_close(handle);
        r = r < 0 ? r : closed;
    }
    if (r < 0)
        return store_fail(error, conn, r, "cannot grow '%s/%s'", disk->pool,
                          disk->image);
    if (!full)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&full));
    return FALSE;
}

static gboolean
can_clone(StoreConn *conn, const StoreDisk *disk, GError **error)
{
    g_auto(StoreOrigin) origin = {0};

    return store_origin_find(conn, disk, &origin, error) &&
           (origin.image || store_size_check(disk, origin.found.size, error));
}

gboolean
store_disk_check(StoreCluster *cluster, const StoreDisk *disk, GError **error)
{
    g_autoptr(StoreConn) conn = NULL;
    g_autoptr(GError) why = NULL;
    g_auto(StoreIo) io = NULL;
    bool taken = false;

    if (!store_stalls_check(cluster, disk->pool, disk->image, error) ||
        (!store_parent_is_far(disk) &&
         !store_stalls_check(cluster, disk->parent.pool, disk->parent.image,
                             error)) ||
        !(conn = store_conn_acquire(cluster, error)))
        return FALSE;
    if (disk->source != STORE_SOURCE_CLONE || disk->read_only ||
        can_clone(conn, disk, &why))
        return TRUE;
    /* An image may be gone whose clone goes on. */
    if (store_ioctx(conn, disk->pool, &io, NULL) &&
        store_name_is_taken(io, disk->image, &taken) >= 0 && taken)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

/* What could not be finished. Not if a call timed out, or the connection is
 * fenced: then the claim stays, and whoever takes it over finds what is left.
 * TRUE: the clone is gone, and was in order but for its parent, which is not
 * that of its name any more. */
static gboolean
take_away(StoreConn *conn,
          const StoreDisk *disk,
          const GError *why,
          GString *done,
          GError **error)
{
    static const char replaced[] = "its image was replaced while it was cloned";

    if (why) {
        if (store_conn_may_write(conn, why))
            (void)store_trash(conn, disk->pool, disk->image, why->message,
                              NULL);
        g_propagate_error(error, g_error_copy(why));
        return FALSE;
    }
    if (store_conn_is_retired(conn))
        return store_refuse(error, STORE_ERROR_DOWN,
                            "the connection was lost while '%s/%s' was made: "
                            "try again",
                            disk->pool, disk->image);
    if (!store_trash(conn, disk->pool, disk->image, replaced, error))
        return FALSE;
    g_string_append_printf(done, "moved the clone to the trash, because %s",
                           replaced);
    return TRUE;
}

/* What is to be cloned, which may be the base of the image. */
static gboolean
find_parent(StoreConn *conn,
            StoreDisk *disk,
            StoreOrigin *origin,
            StoreFound *parent,
            GError **error)
{
    if (!store_origin_find(conn, disk, origin, error))
        return FALSE;
    if (!store_parent_find(conn, &origin->parent, parent, error) ||
        !store_size_check(disk, parent->size, error))
        return FALSE;
    disk->parent = origin->parent;
    return TRUE;
}

/* The short way. FALSE: it failed, and nothing else is to be tried. */
static gboolean
clone_direct(StoreConn *conn,
             const StoreDisk *disk,
             const StoreFound *parent,
             StoreCloneEnd *ret_end,
             GError **error)
{
    g_autoptr(GError) why = NULL;
    int r = 0;

    *ret_end = STORE_CLONE_NEEDS_LIBRBD;
    if (!store_settings(conn->cluster)->grow_by_librbd)
        r = store_clone_direct(conn, disk, parent,
                               MAX(disk->size, parent->size), ret_end);
    if (r >= 0)
        return TRUE;
    (void)fail_to_clone(conn, disk, r, &why);
    if (*ret_end == STORE_CLONE_LEFT)
        return take_away(conn, disk, why, NULL, error);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

/* The long way. */
static gboolean
clone_by_librbd(StoreConn *conn,
                const StoreDisk *disk,
                const StoreFound *parent,
                StoreCloneEnd *ret_end,
                GString *done,
                GError **error)
{
    g_autoptr(GError) why = NULL;
    bool exists = false;
    bool same = true;

    if (!clone_image(conn, disk, parent, &exists, error))
        return FALSE;
    *ret_end = exists ? STORE_CLONE_EXISTS : STORE_CLONE_DONE;
    if (exists || (finish(conn, disk, parent, &same, &why) && same))
        return TRUE;
    *ret_end = STORE_CLONE_OTHER_PARENT;
    return take_away(conn, disk, why, done, error);
}

gboolean
store_build(StoreConn *conn,
            const StoreDisk *asked,
            guint64 *ret_size,
            bool *ret_exists,
            GString *done,
            GError **error)
{
    for (int i = 0; i < CLONE_TRIES; i++) {
        g_auto(StoreOrigin) origin = {0};
        StoreDisk disk = *asked;
        StoreFound parent;
        StoreCloneEnd end;
        gboolean made;

        if (!find_parent(conn, &disk, &origin, &parent, error))
            return FALSE;
        *ret_size = MAX(disk.size, parent.size);
        made = clone_direct(conn, &disk, &parent, &end, error);
        if (made && end == STORE_CLONE_NEEDS_LIBRBD)
            made = clone_by_librbd(conn, &disk, &parent, &end, done, error);
        *ret_exists = end == STORE_CLONE_EXISTS;
        if (made && end != STORE_CLONE_OTHER_PARENT)
            return TRUE;
        store_parent_forget(conn->cluster, &disk.parent);
        if (!made)
            return FALSE;
    }
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "image '%s/%s' is being replaced while it is cloned: "
                        "try again",
                        asked->parent.pool, asked->parent.image);
}
