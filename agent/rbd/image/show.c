/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/show.c - all that can be said of one image
 */
#include "config.h"

#include "agent/rbd/image/show.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/format.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/head.h"
#include "agent/rbd/image/list.h"

#include <errno.h>
#include <string.h>

#define SNAPS_MAX 1024

void
store_image_info_clear(StoreImageInfo *info)
{
    g_free(info->pool);
    g_free(info->image);
    g_free(info->location);
    g_clear_pointer(&info->children, g_ptr_array_unref);
    g_clear_pointer(&info->unseen, g_ptr_array_unref);
    g_clear_pointer(&info->snaps, g_ptr_array_unref);
    *info = (StoreImageInfo){0};
}

/* As Glance writes it: nothing but what is safe anywhere in a URL. */
char *
store_image_location(const char *fsid,
                     const char *pool,
                     const char *image,
                     const char *snap)
{
    g_autofree char *a = g_uri_escape_string(fsid, NULL, FALSE);
    g_autofree char *b = g_uri_escape_string(pool, NULL, FALSE);
    g_autofree char *c = g_uri_escape_string(image, NULL, FALSE);
    g_autofree char *d = g_uri_escape_string(snap, NULL, FALSE);

    return g_strdup_printf("rbd://%s/%s/%s/%s", a, b, c, d);
}

/* One that was removed while it had clones stays, in a place of its own. */
static bool
is_users(rbd_image_t handle, const rbd_snap_info_t *snap)
{
    rbd_snap_namespace_type_t type = RBD_SNAP_NAMESPACE_TYPE_USER;

    (void)rbd_snap_get_namespace_type(handle, snap->id, &type);
    return type == RBD_SNAP_NAMESPACE_TYPE_USER;
}

static int
read_snaps(rbd_image_t handle, StoreImageInfo *info)
{
    g_autofree rbd_snap_info_t *snaps = g_new0(rbd_snap_info_t, SNAPS_MAX);
    int max = SNAPS_MAX;
    int n = rbd_snap_list(handle, snaps, &max);
    int is_protected = 0;

    for (int i = 0; i < n; i++) {
        if (strcmp(snaps[i].name, STORE_SNAP) == 0) {
            info->has_snap = true;
            info->size = snaps[i].size;
        } else if (is_users(handle, &snaps[i])) {
            g_ptr_array_add(info->snaps, g_strdup(snaps[i].name));
        }
    }
    if (n > 0)
        rbd_snap_list_end(snaps);
    if (n < 0 || !info->has_snap)
        return MIN(n, 0);
    n = rbd_snap_is_protected(handle, STORE_SNAP, &is_protected);
    info->protected_snap = is_protected != 0;
    return n;
}

/* Of the snapshot, where there is one. */
static int
read_format(rbd_image_t handle, StoreImageInfo *info)
{
    guint8 head[STORE_HEAD_BYTES];
    int r = info->has_snap ? rbd_snap_set(handle, STORE_SNAP) : 0;
    gssize got = r < 0 ? r : store_head_read(handle, 0, head, sizeof(head));

    if (got < 0)
        return (int)got;
    info->format = store_format_sniff(head, (gsize)got);
    if (!info->format)
        info->format = "raw";
    return 0;
}

static int
read_all(StoreConn *conn,
         rados_ioctx_t io,
         rbd_image_t handle,
         StoreImageInfo *info)
{
    struct timespec created = {0};
    rbd_image_info_t stat;
    int r = rbd_stat(handle, &stat, sizeof(stat));

    if (r < 0)
        return r;
    info->size = stat.size;
    info->object_size = stat.obj_size;
    r = rbd_get_create_timestamp(handle, &created);
    if (r >= 0)
        r = read_snaps(handle, info);
    if (r >= 0)
        r = store_children_read(conn, io, handle, info->children, info->unseen);
    if (r >= 0)
        r = read_format(handle, info);
    info->created = created.tv_sec;
    return r;
}

gboolean
store_image_read(StoreConn *conn,
                 gpointer io,
                 StoreImageInfo *info,
                 GError **error)
{
    g_auto(StoreHandle) handle = NULL;
    int r = rbd_open_read_only(io, info->image, &handle, NULL);

    if (r == -ENOENT)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "no image '%s/%s' (remora image list)", info->pool,
                            info->image);
    if (r >= 0)
        r = read_all(conn, io, handle, info);
    if (r < 0)
        return store_fail(error, conn, r, "cannot look at image '%s/%s'",
                          info->pool, info->image);
    return TRUE;
}

void
store_image_info_init(StoreImageInfo *info, const char *pool, const char *image)
{
    *info = (StoreImageInfo){
        .pool = g_strdup(pool),
        .image = g_strdup(image),
        .children =
            g_ptr_array_new_with_free_func((GDestroyNotify)store_child_free),
        .unseen = g_ptr_array_new_with_free_func(g_free),
        .snaps = g_ptr_array_new_with_free_func(g_free),
    };
}

gboolean
store_image_show(StoreCluster *cluster,
                 const char *pool,
                 const char *image,
                 StoreImageInfo *ret_info,
                 GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    const char *fsid = conn ? store_cluster_fsid(cluster, error) : NULL;
    g_auto(StoreIo) io = NULL;
    g_auto(StoreImageInfo) info = {0};

    if (!fsid || !store_ioctx(conn, pool, &io, error))
        return FALSE;
    store_image_info_init(&info, pool, image);
    if (!store_image_read(conn, io, &info, error))
        return FALSE;
    info.location = store_image_location(fsid, pool, image, STORE_SNAP);
    *ret_info = info;
    info = (StoreImageInfo){0};
    return TRUE;
}

gboolean
store_image_size(StoreCluster *cluster,
                 const char *pool,
                 const char *image,
                 guint64 *ret_size,
                 GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    int r;

    if (!conn || !store_ioctx(conn, pool, &io, error))
        return FALSE;
    r = rbd_open_read_only(io, image, &handle, STORE_SNAP);
    if (r >= 0)
        r = rbd_get_size(handle, ret_size);
    if (r == -ENOENT)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "no image '%s/%s' with a snapshot '%s' (remora "
                            "image list)",
                            pool, image, STORE_SNAP);
    if (r < 0)
        return store_fail(error, conn, r, "cannot look at image '%s/%s'", pool,
                          image);
    return TRUE;
}
