/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/blank.c - a disk without a parent is made, and filled
 *
 * Unlike a clone without a mark, one that is being filled holds data, so data
 * does not show that it is somebody's. So right after its creation it gets a
 * building mark that names its own id, and the ready mark when it is whole and
 * flushed. The building mark goes last: with both, it is whole.
 */
#include "config.h"

#include "agent/rbd/disk/blank.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/options.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/copy.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/image/trash.h"

#include <errno.h>

struct StoreFilling {
    StoreConn *conn;
    const StoreDisk *disk;
    rbd_image_t handle;
};

guint64
store_filling_size(const StoreFilling *filling)
{
    return filling->disk->size;
}

gboolean
store_filling_write(StoreFilling *filling,
                    guint64 offset,
                    gconstpointer data,
                    gsize len,
                    GError **error)
{
    ssize_t r = STORE_FAULT("filling");

    if (r >= 0)
        r = rbd_write(filling->handle, offset, len, data);
    if (r >= 0 && (gsize)r == len)
        return TRUE;
    return store_fail(error, filling->conn, r < 0 ? (int)r : -EIO,
                      "cannot fill '%s/%s'", filling->disk->pool,
                      filling->disk->image);
}

gboolean
store_filling_read(StoreFilling *filling,
                   guint64 offset,
                   gpointer buffer,
                   gsize len,
                   GError **error)
{
    ssize_t r = rbd_read(filling->handle, offset, len, buffer);

    return (r >= 0 && (gsize)r == len) ||
           store_fail(error, filling->conn, r < 0 ? (int)r : -EIO,
                      "cannot read what is in '%s/%s'", filling->disk->pool,
                      filling->disk->image);
}

gboolean
store_filling_copy(StoreFilling *filling, int fd, guint64 size, GError **error)
{
    StoreImageSource source = {.fd = fd};
    StoreCopy copy = {
        .conn = filling->conn,
        .pool = filling->disk->pool,
        .image = filling->disk->image,
        .handle = filling->handle,
        .source = &source,
        .size = size,
    };
    rbd_image_info_t info = {0};
    int r = rbd_stat(filling->handle, &info, sizeof(info));

    if (r < 0)
        return store_fail(error, filling->conn, r, "cannot fill '%s/%s'",
                          filling->disk->pool, filling->disk->image);
    source.object_size = info.obj_size;
    return store_copy(&copy, error);
}

static gboolean
create(StoreConn *conn,
       const StoreDisk *disk,
       rados_ioctx_t io,
       bool *ret_exists,
       GError **error)
{
    g_auto(StoreOptions) options = NULL;
    int r;

    rbd_image_options_create(&options);
    r = store_new_options(options, store_settings(conn->cluster), 0);
    if (r >= 0)
        r = store_new_find_pool(conn);
    if (r >= 0)
        r = STORE_FAULT("creating");
    if (r >= 0)
        r = rbd_create4(io, disk->image, disk->size, options);
    if (r >= 0)
        r = STORE_FAULT("created");
    *ret_exists = r == -EEXIST;
    return r >= 0 || *ret_exists ||
           store_new_fail(conn, r, error, "cannot create '%s/%s'", disk->pool,
                          disk->image);
}

gboolean
store_fill_by(StoreConn *conn,
              const StoreDisk *disk,
              gpointer handle,
              GError **error)
{
    StoreFilling filling = {.conn = conn, .disk = disk, .handle = handle};
    int r;

    if (!disk->fill(&filling, disk->fill_data, error))
        return FALSE;
    r = rbd_flush(handle);
    return r >= 0 || store_fail(error, conn, r, "cannot fill '%s/%s'",
                                disk->pool, disk->image);
}

/* All that is between the creation and the ready mark. */
static gboolean
fill(StoreConn *conn, const StoreDisk *disk, rbd_image_t handle, GError **error)
{
    StoreFilling filling = {.conn = conn, .disk = disk, .handle = handle};
    g_autofree char *mark = NULL;
    char id[128] = "";
    int r = rbd_get_id(handle, id, sizeof(id));

    if (r < 0)
        return store_fail(error, conn, r, "cannot read the id of '%s/%s'",
                          disk->pool, disk->image);
    mark = store_mark_new(conn, disk->owner, disk->label, id);
    r = rbd_metadata_set(handle, STORE_BUILDING_KEY, mark);
    if (r >= 0)
        r = STORE_FAULT("building-marked");
    if (r >= 0 && disk->source == STORE_SOURCE_FILLED &&
        !disk->fill(&filling, disk->fill_data, error))
        return FALSE;
    if (r >= 0)
        r = STORE_FAULT("filled");
    if (r >= 0)
        r = rbd_flush(handle);
    if (r >= 0)
        r = rbd_metadata_set(handle, STORE_MARK_KEY, mark);
    if (r >= 0)
        r = STORE_FAULT("marked");
    if (r >= 0)
        r = rbd_metadata_remove(handle, STORE_BUILDING_KEY);
    return r >= 0 || store_fail(error, conn, r, "cannot finish '%s/%s'",
                                disk->pool, disk->image);
}

static gboolean
open_and_fill(StoreConn *conn,
              const StoreDisk *disk,
              rados_ioctx_t io,
              GError **error)
{
    StoreHandle handle = NULL;
    gboolean filled;
    int r = rbd_open(io, disk->image, &handle, NULL);

    if (r < 0)
        return store_fail(error, conn, r, "cannot open the new '%s/%s'",
                          disk->pool, disk->image);
    filled = fill(conn, disk, handle, error);
    r = store_close(handle);
    return filled &&
           (r >= 0 || store_fail(error, conn, r, "cannot finish '%s/%s'",
                                 disk->pool, disk->image));
}

gboolean
store_build_blank(StoreConn *conn,
                  const StoreDisk *disk,
                  guint64 *ret_size,
                  bool *ret_exists,
                  GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_autoptr(GError) why = NULL;

    if (disk->size == 0)
        return store_refuse(error, STORE_ERROR_REFUSED,
                            "a new disk '%s/%s' needs a size: ask for one",
                            disk->pool, disk->image);
    if (!store_ioctx(conn, disk->pool, &io, error) ||
        !create(conn, disk, io, ret_exists, error))
        return FALSE;
    *ret_size = disk->size;
    if (*ret_exists || open_and_fill(conn, disk, io, &why))
        return TRUE;
    /* Over a connection that may not be used any more its claim stays, and
     * whoever takes it over finds what is left. */
    if (store_conn_may_write(conn, why))
        (void)store_trash(conn, disk->pool, disk->image, why->message, NULL);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}
