/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/list.c - the images of a pool that can be cloned
 *
 * What makes an image is its snapshot, which its header knows (plain.h), and
 * librbd of those that are not plain. An image that goes away meanwhile is left
 * out, and so is one that is half made: it cannot be opened, or has no snapshot
 * yet.
 */
#include "config.h"

#include "agent/rbd/image/list.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/plain.h"

#include <errno.h>
#include <string.h>

#define LIST_FIRST 64u

void
store_image_free(StoreImage *image)
{
    if (!image)
        return;
    g_free(image->pool);
    g_free(image->image);
    g_free(image);
}

/* The names, or NULL and librbd's number. librbd says how many there are when
 * the room was too small; there may be more by the next time. */
static GPtrArray *
list_names(rados_ioctx_t io, int *ret_r)
{
    GPtrArray *names = NULL;
    rbd_image_spec_t *specs = NULL;
    size_t n = LIST_FIRST;
    int r;

    do {
        g_free(specs);
        specs = g_new0(rbd_image_spec_t, n);
        r = rbd_list2(io, specs, &n);
    } while (r == -ERANGE && n <= STORE_IMAGES_MAX);
    if (r >= 0) {
        names = g_ptr_array_new_with_free_func(g_free);
        for (size_t i = 0; i < n; i++)
            g_ptr_array_add(names, g_strdup(specs[i].name));
        rbd_image_spec_list_cleanup(specs, n);
    }
    g_free(specs);
    *ret_r = r;
    return names;
}

/* With the handle at the snapshot: asked for none, librbd says how many there
 * are, or nothing at all if one of them may not be seen. */
static int
count_children(rbd_image_t handle, StoreImage *image)
{
    rbd_linked_image_spec_t none;
    size_t n = 0;
    int r = rbd_list_children3(handle, &none, &n);

    if (r == -EPERM)
        return 0;
    if (r < 0 && r != -ERANGE)
        return r;
    image->children = (guint)n;
    image->children_known = true;
    return 0;
}

/* -ENOENT: it is not there, or not an image. */
static int
read_image(rados_ioctx_t io, StoreImage *image)
{
    g_auto(StoreHandle) handle = NULL;
    int is_protected = 0;
    int r = rbd_open_read_only(io, image->image, &handle, NULL);

    if (r >= 0)
        r = rbd_snap_set(handle, STORE_SNAP);
    if (r >= 0)
        r = rbd_get_size(handle, &image->size);
    if (r >= 0)
        r = rbd_snap_is_protected(handle, STORE_SNAP, &is_protected);
    if (r >= 0)
        r = count_children(handle, image);
    image->has_snap = r >= 0;
    image->protected_snap = is_protected != 0;
    return r;
}

char **
store_image_names(StoreCluster *cluster, const char *pool, GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_autoptr(GPtrArray) names = NULL;
    g_auto(StoreIo) io = NULL;
    int r;

    if (!conn || !store_ioctx(conn, pool, &io, error))
        return NULL;
    names = list_names(io, &r);
    if (!names) {
        store_fail(error, conn, r, "cannot list the images of pool '%s'", pool);
        return NULL;
    }
    g_ptr_array_set_free_func(names, NULL);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

/* *ret: as the header says, or librbd; -ENOENT: it is not to be listed. */
static int
take_image(rados_ioctx_t io,
           const char *pool,
           const StorePlain *plain,
           StoreImage **ret)
{
    g_autoptr(StoreImage) image = g_new0(StoreImage, 1);
    int r = 0;

    if (plain->state == STORE_PLAIN_NO_SNAP)
        return -ENOENT;
    image->pool = g_strdup(pool);
    image->image = g_strdup(plain->name);
    image->size = plain->size;
    image->has_snap = true;
    image->protected_snap = plain->protected_snap;
    image->children_known = plain->children_known;
    if (plain->state == STORE_PLAIN_UNKNOWN)
        r = read_image(io, image);
    if (r >= 0)
        *ret = g_steal_pointer(&image);
    return r;
}

/* Those from the first on, as many as are read at once, to images. */
static int
read_some(StoreConn *conn,
          rados_ioctx_t io,
          const char *pool,
          const GPtrArray *names,
          guint first,
          GPtrArray *images)
{
    guint n = MIN(names->len - first, STORE_PLAIN_MAX);
    g_autofree StorePlain *plain = g_new0(StorePlain, n);
    int r;

    for (guint i = 0; i < n; i++)
        plain[i].name = g_ptr_array_index(names, first + i);
    r = store_plain_read(conn, io, STORE_SNAP, plain, n);
    for (guint i = 0; r >= 0 && i < n; i++) {
        StoreImage *image = NULL;

        r = take_image(io, pool, &plain[i], &image);
        if (image)
            g_ptr_array_add(images, image);
        if (r == -ENOENT)
            r = 0;
    }
    return r;
}

static int
by_name(gconstpointer a, gconstpointer b)
{
    const StoreImage *const *one = a;
    const StoreImage *const *other = b;

    return strcmp((*one)->image, (*other)->image);
}

GPtrArray *
store_image_list(StoreCluster *cluster, const char *pool, GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_autoptr(GPtrArray) images =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_image_free);
    g_autoptr(GPtrArray) names = NULL;
    g_auto(StoreIo) io = NULL;
    int r;

    if (!conn || !store_ioctx(conn, pool, &io, error))
        return NULL;
    names = list_names(io, &r);
    for (guint i = 0; r >= 0 && i < names->len; i += STORE_PLAIN_MAX)
        r = read_some(conn, io, pool, names, i, images);
    if (r == -ERANGE) {
        store_refuse(error, STORE_ERROR_REFUSED,
                     "pool '%s' has more than %u images: ask for one by its "
                     "name",
                     pool, STORE_IMAGES_MAX);
        return NULL;
    }
    if (r < 0) {
        store_fail(error, conn, r, "cannot list the images of pool '%s'", pool);
        return NULL;
    }
    g_ptr_array_sort(images, by_name);
    return g_steal_pointer(&images);
}
