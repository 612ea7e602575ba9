/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/grow.c - the short way from a new clone to a disk
 *
 * librbd grows and marks an image that it has open: to open and to close it is
 * half of what a disk costs the cluster, and what it is for (a watch, the lock,
 * news for others) nobody needs of a clone that is a moment old and claimed.
 * What is written is the same, by the same methods of the same object class:
 * first the object map, which may be larger than the image at any time, and so
 * grows while the header is read, then size and mark in one operation.
 *
 * Whoever has the image open all the same has a lock on header and object map
 * if they may write by a map of their own, and has changed the header to get
 * it. So the header is read only if nobody ever locked it, and written only if
 * its version is the one that was read. If not, and whenever something is not
 * as plain as it has to be, librbd does it (build.c). Whoever only looks at the
 * image meanwhile is not told, and sees the new size when they next open it.
 */
#include "config.h"

#include "agent/rbd/disk/grow.h"

#include "agent/rbd/conn/fault.h"
#include "agent/rbd/disk/header.h"
#include "agent/rbd/image/class.h"
#include "agent/rbd/image/depth.h"
#include "agent/rbd/image/flattening.h"
#include "agent/rbd/image/look.h"

#include <errno.h>
#include <string.h>

/* Where the class 'lock' keeps librbd's lock. It stays when it is let go. */
#define LOCK_ATTR "lock.rbd_lock"

enum { SIZE, FEATURES, OP_FEATURES, FLAGS, PARENT, N_ANSWERS };

static bool
understand(const StoreClassAnswer *answers, StoreCloneHeader *header)
{
    const struct {
        int from;
        guint64 *to;
    } numbers[] = {
        {FEATURES, &header->features},
        {OP_FEATURES, &header->op_features},
        {FLAGS, &header->flags},
    };
    bool clear = true;

    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
        clear = clear &&
                store_header_read_number(
                    store_class_read(&answers[numbers[i].from]), numbers[i].to);
    return clear &&
           store_header_read_size(store_class_read(&answers[SIZE]), header) &&
           store_header_read_parent(store_class_read(&answers[PARENT]), header);
}

static int
read_header(rados_ioctx_t io,
            const char *object,
            StoreCloneHeader *header,
            guint64 *ret_version)
{
    g_autoptr(GByteArray) head = store_header_arg_head();
    g_autoptr(GByteArray) features = store_header_arg_features();
    rados_read_op_t op = rados_create_read_op();
    StoreClassAnswer answers[N_ANSWERS] = {0};
    int r;

    rados_read_op_cmpxattr(op, LOCK_ATTR, LIBRADOS_CMPXATTR_OP_EQ, "", 0);
    store_class_ask(op, "get_size", head, &answers[SIZE]);
    store_class_ask(op, "get_features", features, &answers[FEATURES]);
    store_class_ask(op, "op_features_get", NULL, &answers[OP_FEATURES]);
    store_class_ask(op, "get_flags", head, &answers[FLAGS]);
    store_class_ask(op, "parent_get", NULL, &answers[PARENT]);
    r = rados_read_op_operate(op, io, object, 0);
    rados_release_read_op(op);
    *ret_version = rados_get_last_version(io);
    if (r < 0)
        return r;
    return understand(answers, header) ? 0 : -EOPNOTSUPP;
}

/* The object map, which grows while the header is read. */
typedef struct {
    guint64 objects; /* 0: it was not asked to */
    rados_completion_t asked;
    int r;
} Map;

/* A map may be larger than its image, so nothing has to be known of that one
 * before. Where there is no map, none is made. */
static void
map_begin(rados_ioctx_t io, const char *id, guint64 objects, Map *map)
{
    g_autofree char *object = g_strconcat("rbd_object_map.", id, NULL);
    g_autoptr(GByteArray) argument = store_header_arg_objects(objects);
    rados_write_op_t op = rados_create_write_op();

    map->objects = objects;
    map->r = rados_aio_create_completion2(NULL, NULL, &map->asked);
    rados_write_op_assert_exists(op);
    rados_write_op_cmpxattr(op, LOCK_ATTR, LIBRADOS_CMPXATTR_OP_EQ, "", 0);
    store_class_tell(op, "object_map_resize", argument);
    if (map->r >= 0)
        map->r = rados_aio_write_op_operate(op, io, map->asked, object, NULL,
                                            LIBRADOS_OPERATION_NOFLAG);
    rados_release_write_op(op);
}

static void
map_end(Map *map)
{
    if (map->r >= 0 && map->asked) {
        (void)rados_aio_wait_for_complete(map->asked);
        map->r = rados_aio_get_return_value(map->asked);
    }
    g_clear_pointer(&map->asked, rados_aio_release);
}

/* To so many objects, as it was asked to already in nearly all cases. */
static int
map_grow(rados_ioctx_t io, const char *id, guint64 objects, Map *map)
{
    if (map->objects != objects) {
        map_begin(io, id, objects, map);
        map_end(map);
    }
    return map->r < 0 ? map->r : STORE_FAULT("map-grown");
}

/* What stands in a disk's metadata. */
typedef struct {
    char *ready;
    char *flatten; /* NULL: it keeps its parents */
} Marks;

static void
marks_clear(Marks *marks)
{
    g_clear_pointer(&marks->ready, g_free);
    g_clear_pointer(&marks->flatten, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Marks, marks_clear)

static void
set_metadata(rados_write_op_t op, const char *key, const char *value)
{
    g_autoptr(GByteArray) metadata = store_header_arg_metadata(key, value);

    store_class_tell(op, "metadata_set", metadata);
}

/* size 0: it has its size. */
static int
write_header(rados_ioctx_t io,
             const char *object,
             guint64 version,
             guint64 size,
             const Marks *marks)
{
    g_autoptr(GByteArray) number = store_class_number(size);
    rados_write_op_t op = rados_create_write_op();
    int r;

    rados_write_op_assert_version(op, version);
    if (size > 0)
        store_class_tell(op, "set_size", number);
    if (marks->flatten)
        set_metadata(op, STORE_FLATTEN_KEY, marks->flatten);
    set_metadata(op, STORE_MARK_KEY, marks->ready);
    r = rados_write_op_operate(op, io, object, NULL, 0);
    rados_release_write_op(op);
    return r < 0 ? r : STORE_FAULT("marked");
}

/* How many objects it has then, if the clone is as it was asked for. */
static guint64
likely_objects(StoreConn *conn, const StoreFound *parent, guint64 size)
{
    guint64 object = MAX(store_settings(conn->cluster)->clone_object_size,
                         MAX(parent->object_size, 1));

    return size / object + (size % object != 0);
}

static int
finish(StoreConn *conn,
       rados_ioctx_t io,
       const char *id,
       const StoreFound *parent,
       guint64 size,
       const Marks *marks,
       StoreGrowEnd *ret_end)
{
    g_autofree char *object = g_strconcat("rbd_header.", id, NULL);
    Map map = {0};
    StoreCloneHeader header = {0};
    StoreGrowWay way;
    guint64 version;
    int r;

    if (size > parent->size)
        map_begin(io, id, likely_objects(conn, parent, size), &map);
    r = read_header(io, object, &header, &version);
    map_end(&map);
    /* What timed out may still arrive. */
    if (map.r == -ETIMEDOUT)
        r = map.r;
    if (r < 0)
        return r;
    if (strcmp(header.parent, parent->id) != 0 ||
        header.parent_snap != parent->snap_id) {
        *ret_end = STORE_GROW_OTHER_PARENT;
        return 0;
    }
    way = store_grow_way(&header, size);
    if (way == STORE_GROW_BY_LIBRBD)
        return -EOPNOTSUPP;
    if (way == STORE_GROW_MAP_AND_HEADER)
        r = map_grow(io, id, store_grow_objects(&header, size), &map);
    if (r >= 0)
        r = write_header(io, object, version, way == STORE_GROW_NOT ? 0 : size,
                         marks);
    *ret_end = STORE_GROW_DONE;
    return r;
}

/* Whether librbd has to do it, or to say why not: the class does not know a
 * method, somebody has or had a lock, somebody changed the header since it was
 * read, or it is not there. */
static bool
is_for_librbd(int r)
{
    return r == -EOPNOTSUPP || r == -ECANCELED || r == -ERANGE ||
           r == -EOVERFLOW || r == -ENOENT || r == -EINVAL;
}

int
store_grow_new(StoreConn *conn,
               rados_ioctx_t io,
               const StoreDisk *disk,
               const StoreFound *parent,
               guint64 size,
               StoreGrowEnd *ret_end)
{
    char id[128] = "";
    int r = store_id_read(io, disk->image, id, sizeof(id));

    if (r >= 0) {
        const StoreFlattenMark nobody = {0};
        g_auto(Marks) marks = {
            .ready = store_mark_new(conn, disk->owner, disk->label, id)};

        if (store_depth_is_too_much(store_settings(conn->cluster),
                                    parent->depth))
            marks.flatten = store_flatten_mark_new(id, &nobody);
        r = finish(conn, io, id, parent, size, &marks, ret_end);
    }
    if (!is_for_librbd(r))
        return r;
    *ret_end = STORE_GROW_NEEDS_LIBRBD;
    return 0;
}
