/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/read.c - a snapshot's bytes
 */
#include "config.h"

#include "agent/rbd/image/read.h"

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/namespace.h"

#include <errno.h>
#include <string.h>

#define EXTENTS_MAX (1024u * 1024u)

struct StoreReading {
    StoreConn *conn;
    rados_ioctx_t io;
    rbd_image_t handle;
    char *name; /* for messages */
    char *pool;
    char *image;
    guint64 size;
};

static gboolean
open_snapshot(StoreReading *reading,
              const StoreParent *parent,
              const StoreFound *found,
              GError **error)
{
    const char *image;
    uint64_t size = 0;
    int r;

    if (!store_parent_ioctx(reading->conn, parent->pool, parent->image,
                            &reading->io, &image, error))
        return FALSE;
    r = rbd_open_by_id_read_only(reading->io, found->id, &reading->handle,
                                 NULL);
    if (r >= 0)
        r = rbd_snap_set_by_id(reading->handle, found->snap_id);
    if (r >= 0)
        r = rbd_get_size(reading->handle, &size);
    reading->size = size;
    if (r >= 0)
        return TRUE;
    store_conn_note(reading->conn, r, parent->pool, parent->image);
    return store_fail(error, NULL, r, "cannot open '%s'", reading->name);
}

StoreReading *
store_reading_new(StoreCluster *cluster,
                  const StoreParent *parent,
                  const StoreFound *found,
                  GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_autoptr(StoreReading) reading = NULL;

    if (!conn)
        return NULL;
    reading = g_new0(StoreReading, 1);
    reading->conn = g_steal_pointer(&conn);
    reading->pool = g_strdup(parent->pool);
    reading->image = g_strdup(parent->image);
    reading->name =
        g_strdup_printf("%s/%s@%s", parent->pool, parent->image, parent->snap);
    return open_snapshot(reading, parent, found, error)
               ? g_steal_pointer(&reading)
               : NULL;
}

void
store_reading_free(StoreReading *reading)
{
    if (!reading)
        return;
    store_rbd_clear(&reading->handle);
    store_ioctx_clear(&reading->io);
    store_conn_unref(reading->conn);
    g_free(reading->name);
    g_free(reading->pool);
    g_free(reading->image);
    g_free(reading);
}

guint64
store_reading_size(const StoreReading *reading)
{
    return reading->size;
}

/* By whole objects, which may be many: those that are side by side are one, and
 * so is all that comes after the last for which there is room. */
static int
add_extent(uint64_t offset, size_t len, int exists, void *data)
{
    GArray *extents = data;
    StoreExtent *last =
        extents->len ? &g_array_index(extents, StoreExtent, extents->len - 1)
                     : NULL;
    const StoreExtent extent = {offset, len};

    if (!exists || len == 0)
        return 0;
    if (last &&
        (last->offset + last->len == offset || extents->len == EXTENTS_MAX))
        last->len = offset + len - last->offset;
    else
        g_array_append_val(extents, extent);
    return 0;
}

GArray *
store_reading_extents(StoreReading *reading, GError **error)
{
    g_autoptr(GArray) extents = g_array_new(FALSE, FALSE, sizeof(StoreExtent));
    int r = rbd_diff_iterate2(reading->handle, NULL, 0, reading->size, 1, 1,
                              add_extent, extents);

    if (r >= 0)
        return g_steal_pointer(&extents);
    store_conn_note(reading->conn, r, reading->pool, reading->image);
    store_fail(error, NULL, r, "cannot see what of '%s' holds data",
               reading->name);
    return NULL;
}

gboolean
store_reading_read(StoreReading *reading,
                   guint64 offset,
                   gpointer buffer,
                   gsize len,
                   GError **error)
{
    guint64 there = offset < reading->size ? reading->size - offset : 0;
    gsize part = (gsize)MIN((guint64)len, there);
    ssize_t r = part ? rbd_read(reading->handle, offset, part, buffer) : 0;

    if (r >= 0 && (gsize)r == part) {
        memset((guint8 *)buffer + part, 0, len - part);
        return TRUE;
    }
    if (r < 0)
        store_conn_note(reading->conn, (int)r, reading->pool, reading->image);
    return store_fail(error, NULL, r < 0 ? (int)r : -EIO, "cannot read '%s'",
                      reading->name);
}
