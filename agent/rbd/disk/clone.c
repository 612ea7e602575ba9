/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/clone.c - the short way to a disk
 *
 * librbd makes a clone by opening its parent, and then the clone, to write what it
 * knows from the start; whoever wants the clone larger and marked opens it once
 * more. That is most of what a disk costs the cluster, in operations that nearly all
 * come one after another, and what an open image is for (a watch, the lock, news
 * for others) nobody needs of one that is a moment old and claimed.
 *
 * Here the same stands in the pool afterwards, written by the same methods of the
 * same object class, in librbd's own order: the name in the pool's directory, the
 * name's object, the header with its parent beside the object map, the parent's
 * list of clones, the mark. What a death leaves is a part of that which librbd can
 * remove. The parent comes to know of the clone only when that has its parent, for
 * librbd takes no image without a parent off such a list.
 *
 * The header is made with its size. Its parent is written without waiting for it:
 * both go to one object, which gets them in that order. The map is an object of our
 * own id. What fails is taken back object by object, for a name may have come to
 * somebody else meanwhile. Whenever something is not as plain as it has to be,
 * librbd does it (build.c).
 */
#include "config.h"

#include "agent/rbd/disk/clone.h"

#include "agent/rbd/conn/aio.h"
#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/clone-facts.h"
#include "agent/rbd/image/class.h"
#include "agent/rbd/image/depth.h"
#include "agent/rbd/image/flattening.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/image/namespace.h"

#include <errno.h>
#include <string.h>

/* Where the class 'lock' keeps librbd's lock. It stays when it is let go. */
#define LOCK_ATTR "lock.rbd_lock"
/* librbd's ids are no longer, for the names of an image's objects. */
#define ID_LEN_MAX 14u

static void
clone_clear(StoreClone *clone)
{
    store_ioctx_clear(&clone->io);
    store_ioctx_clear(&clone->from);
    g_clear_pointer(&clone->inherited, g_byte_array_unref);
    g_clear_pointer(&clone->id, g_free);
    g_clear_pointer(&clone->id_object, g_free);
    g_clear_pointer(&clone->header, g_free);
    g_clear_pointer(&clone->map, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreClone, clone_clear)

/* As librbd makes them, of the client's own number and more; but what it takes from
 * chance is counted on from a first one, so that no two of an agent's are the same. */
static char *
new_id(StoreConn *conn)
{
    static gsize begun;
    static guint32 first;
    static gint made;
    g_autofree char *id = NULL;
    gsize len;

    if (g_once_init_enter(&begun)) {
        first = g_random_int();
        g_once_init_leave(&begun, 1);
    }
    id = g_strdup_printf("%" G_GINT64_MODIFIER "x%08x",
                         (guint64)rados_get_instance_id(conn->rados),
                         first + (guint32)g_atomic_int_add(&made, 1));
    len = strlen(id);
    return g_strdup(id + (len > ID_LEN_MAX ? len - ID_LEN_MAX : 0));
}

/* ---- what is written --------------------------------------------------------------- */

static int
tell_directory(const StoreClone *clone, const char *method, int flags)
{
    g_autoptr(GByteArray) name =
        store_clone_arg_name(clone->disk->image, clone->id);
    rados_write_op_t op = rados_create_write_op();
    int r;

    store_class_tell(op, method, name);
    r = rados_write_op_operate(op, clone->io, STORE_CLASS_DIRECTORY, NULL,
                               flags);
    rados_release_write_op(op);
    return r;
}

static int
write_id(const StoreClone *clone)
{
    g_autoptr(GByteArray) id = store_class_string(clone->id);
    rados_write_op_t op = rados_create_write_op();
    int r;

    rados_write_op_create(op, LIBRADOS_CREATE_EXCLUSIVE, NULL);
    store_class_tell(op, "set_id", id);
    r = rados_write_op_operate(op, clone->io, clone->id_object, NULL, 0);
    rados_release_write_op(op);
    return r;
}

static void
begin_header(const StoreClone *clone, StoreAio *aio)
{
    g_autofree char *prefix =
        clone->data_pool < 0
            ? g_strconcat("rbd_data.", clone->id, NULL)
            : g_strdup_printf("rbd_data.%" G_GINT64_FORMAT ".%s",
                              rados_ioctx_get_id(clone->io), clone->id);
    g_autoptr(GByteArray) argument =
        store_clone_arg_create(&clone->plan, prefix, clone->data_pool);
    rados_write_op_t op = rados_create_write_op();

    rados_write_op_create(op, LIBRADOS_CREATE_EXCLUSIVE, NULL);
    store_class_tell(op, "create", argument);
    store_aio_write(aio, clone->io, clone->header, op);
}

/* Which is a child of the second format then: without that note, librbd would not
 * take it from its parent's list when it is removed. */
static void
begin_parent(const StoreClone *clone, StoreAio *aio)
{
    const StoreCloneImage parent = {rados_ioctx_get_id(clone->from),
                                    clone->space, clone->parent->id};
    g_autoptr(GByteArray) attach = store_clone_arg_parent(
        &parent, clone->parent->snap_id, clone->parent->size);
    g_autoptr(GByteArray) ops = store_clone_arg_ops();
    rados_write_op_t op = rados_create_write_op();

    rados_write_op_assert_exists(op);
    store_class_tell(op, "parent_attach", attach);
    store_class_tell(op, "op_features_set", ops);
    store_aio_write(aio, clone->io, clone->header, op);
}

static void
begin_map(const StoreClone *clone, StoreAio *aio)
{
    g_autoptr(GByteArray) argument =
        store_clone_arg_objects(clone->plan.map_objects);
    rados_write_op_t op = rados_create_write_op();

    rados_write_op_create(op, LIBRADOS_CREATE_EXCLUSIVE, NULL);
    store_class_tell(op, "object_map_resize", argument);
    store_aio_write(aio, clone->io, clone->map, op);
}

/* That nobody has the id was asked a moment before, and it is as good as unique; for
 * another image's header would get this parent, if it has none. */
static int
write_image(StoreClone *clone)
{
    StoreAio header = {0};
    StoreAio map = {0};
    StoreAio parent = {0};

    begin_header(clone, &header);
    if (clone->plan.map)
        begin_map(clone, &map);
    begin_parent(clone, &parent);
    (void)store_aio_end(&header);
    (void)store_aio_end(&map);
    (void)store_aio_end(&parent);
    clone->has_header = header.r >= 0;
    clone->has_map = clone->plan.map && map.r >= 0;
    /* What timed out may still arrive, whatever else failed. */
    if (map.r == -ETIMEDOUT || parent.r == -ETIMEDOUT)
        return -ETIMEDOUT;
    if (header.r < 0)
        return header.r;
    return map.r < 0 ? map.r : parent.r;
}

/* That it has to be there is not asked for: the user may call this one method
 * there (profile rbd-read-only), and write nothing; it fails without the snapshot. */
static int
tell_parent(const StoreClone *clone)
{
    g_autofree char *header =
        g_strconcat("rbd_header.", clone->parent->id, NULL);
    const StoreCloneImage child = {rados_ioctx_get_id(clone->io), "",
                                   clone->id};
    g_autoptr(GByteArray) argument =
        store_clone_arg_child(clone->parent->snap_id, &child);
    rados_write_op_t op = rados_create_write_op();
    int r;

    store_class_tell(op, "child_attach", argument);
    r = rados_write_op_operate(op, clone->from, header, NULL, 0);
    rados_release_write_op(op);
    return r;
}

static void
set_metadata(rados_write_op_t op, const char *key, const char *value)
{
    g_autoptr(GByteArray) metadata = store_class_metadata(key, value);

    store_class_tell(op, "metadata_set", metadata);
}

/* What it inherits first, so that what is said of itself is what counts. */
static int
write_mark(const StoreClone *clone)
{
    static const StoreFlattenMark nobody = {0};
    g_autofree char *ready = store_mark_new(clone->conn, clone->disk->owner,
                                            clone->disk->label, clone->id);
    rados_write_op_t op = rados_create_write_op();
    int r;

    rados_write_op_assert_exists(op);
    if (clone->inherited)
        store_class_tell(op, "metadata_set", clone->inherited);
    if (store_depth_is_too_much(store_settings(clone->conn->cluster),
                                clone->parent->depth)) {
        g_autofree char *flatten = store_flatten_mark_new(clone->id, &nobody);

        set_metadata(op, STORE_FLATTEN_KEY, flatten);
    }
    set_metadata(op, STORE_MARK_KEY, ready);
    r = rados_write_op_operate(op, clone->io, clone->header, NULL, 0);
    rados_release_write_op(op);
    return r;
}

/* ---- what is taken back --------------------------------------------------------------- */

/* What a comparison returns, less where the first difference is (-MAX_ERRNO). */
#define CMPEXT_DIFFERS (-4095)

/* A full pool lets it through. */
static int
remove_object(const StoreClone *clone, const char *object, rados_write_op_t op)
{
    int r;

    rados_write_op_remove(op);
    r = rados_write_op_operate(op, clone->io, object, NULL,
                               LIBRADOS_OPERATION_FULL_TRY);
    rados_release_write_op(op);
    return r == -ENOENT ? 0 : r;
}

/* -ECANCELED: somebody has written to it, or may have. */
static int
remove_header(const StoreClone *clone)
{
    rados_write_op_t op;

    if (!(clone->plan.features & RBD_FEATURE_EXCLUSIVE_LOCK))
        return -ECANCELED;
    op = rados_create_write_op();
    rados_write_op_assert_exists(op);
    rados_write_op_cmpxattr(op, LOCK_ATTR, LIBRADOS_CMPXATTR_OP_EQ, "", 0);
    return remove_object(clone, clone->header, op);
}

/* If it leads to ours. */
static int
remove_id(const StoreClone *clone)
{
    g_autoptr(GByteArray) id = store_class_string(clone->id);
    rados_write_op_t op = rados_create_write_op();
    int r;

    rados_write_op_assert_exists(op);
    rados_write_op_cmpext(op, (const char *)id->data, id->len, 0, NULL);
    r = remove_object(clone, clone->id_object, op);
    return r <= CMPEXT_DIFFERS ? 0 : r;
}

/* The class compares name and id. */
static int
remove_from_directory(const StoreClone *clone)
{
    int r =
        tell_directory(clone, "dir_remove_image", LIBRADOS_OPERATION_FULL_TRY);

    return r == -ENOENT || r == -ESTALE ? 0 : r;
}

/* Not once its parent knows of it: to take it from that list is more than one call,
 * and librbd's. Nor if some of it may still arrive. Whether nothing is left. */
static bool
take_back(const StoreClone *clone, int why)
{
    int r = 0;

    if (clone->is_child || why == -ETIMEDOUT || why == -ESHUTDOWN ||
        store_conn_is_retired(clone->conn))
        return false;
    if (clone->has_header)
        r = remove_header(clone);
    if (r >= 0 && clone->has_map)
        r = remove_object(clone, clone->map, rados_create_write_op());
    if (r >= 0)
        r = remove_id(clone);
    return r >= 0 && remove_from_directory(clone) >= 0;
}

/* ---- all of it ----------------------------------------------------------------------- */

static int
write_all(StoreClone *clone)
{
    int r = STORE_FAULT("clone-listed");

    if (r >= 0)
        r = write_id(clone);
    if (r >= 0)
        r = STORE_FAULT("clone-named");
    if (r >= 0)
        r = write_image(clone);
    if (r >= 0)
        r = STORE_FAULT("clone-headed");
    return r;
}

static int
join(StoreClone *clone)
{
    int r = tell_parent(clone);

    clone->is_child = r >= 0;
    clone->is_orphan = r == -ENOENT;
    if (r >= 0)
        r = STORE_FAULT("clone-returned");
    if (r >= 0)
        r = write_mark(clone);
    return r < 0 ? r : STORE_FAULT("marked");
}

/* Whether librbd has to do it, or to say why not: the class does not know a method,
 * or something is in the way. What the user may not do librbd may not do either, and
 * could not take back. */
static bool
is_for_librbd(int r)
{
    return r == -EOPNOTSUPP || r == -EINVAL || r == -ERANGE || r == -EEXIST;
}

static int
make(StoreClone *clone, StoreCloneEnd *ret_end)
{
    int r = STORE_FAULT("cloning");

    if (r >= 0)
        r = tell_directory(clone, "dir_add_image", LIBRADOS_OPERATION_NOFLAG);
    if (r == -EEXIST || r == -EBADF) /* the name, or the id */
        *ret_end = r == -EEXIST ? STORE_CLONE_EXISTS : STORE_CLONE_NEEDS_LIBRBD;
    if (r < 0)
        return *ret_end == STORE_CLONE_DONE ? r : 0;
    r = write_all(clone);
    if (r >= 0)
        r = join(clone);
    if (r >= 0)
        return 0;
    if (!take_back(clone, r))
        *ret_end = STORE_CLONE_LEFT;
    else if (clone->is_orphan)
        *ret_end = STORE_CLONE_OTHER_PARENT;
    else if (is_for_librbd(r))
        *ret_end = STORE_CLONE_NEEDS_LIBRBD;
    else
        return r;
    return *ret_end == STORE_CLONE_LEFT ? r : 0;
}

int
store_clone_direct(StoreConn *conn,
                   const StoreDisk *disk,
                   const StoreFound *parent,
                   guint64 size,
                   StoreCloneEnd *ret_end)
{
    g_auto(StoreClone) clone = {.conn = conn, .disk = disk, .parent = parent};
    int r;

    *ret_end = STORE_CLONE_NEEDS_LIBRBD;
    if (!store_ioctx(conn, disk->pool, &clone.io, NULL) ||
        !store_parent_ioctx(conn, disk->parent.pool, disk->parent.image,
                            &clone.from, &clone.parent_name, NULL) ||
        rados_ioctx_get_namespace(clone.from, clone.space,
                                  sizeof(clone.space)) < 0)
        return 0;
    clone.id = new_id(conn);
    clone.id_object = g_strconcat("rbd_id.", disk->image, NULL);
    clone.header = g_strconcat("rbd_header.", clone.id, NULL);
    clone.map = g_strconcat("rbd_object_map.", clone.id, NULL);
    r = store_clone_prepare(&clone, size, ret_end);
    if (r < 0 || *ret_end != STORE_CLONE_DONE)
        return r;
    return make(&clone, ret_end);
}
