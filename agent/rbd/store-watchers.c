/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store-watchers.c - who has an image open for writing
 *
 * Every client that may write watches the image's header. Our own look is
 * read-only and so never among them; a killed client's watch stays for up to
 * a minute.
 */
#include "config.h"

#include "agent/rbd/store-internal.h"

#include <errno.h>

int
store_watchers_read(rbd_image_t handle, char ***ret_addresses)
{
    rbd_image_watcher_t list[STORE_WATCHERS_MAX];
    size_t n = G_N_ELEMENTS(list);
    int r = rbd_watchers_list(handle, list, &n);
    char **addresses;

    if (r < 0)
        return r;
    addresses = g_new0(char *, n + 1);
    for (size_t i = 0; i < n; i++)
        addresses[i] = g_strdup(list[i].addr);
    rbd_watchers_list_cleanup(list, n);
    *ret_addresses = addresses;
    return 0;
}

char **
store_watchers_of(StoreConn *conn,
                  const char *pool,
                  const char *image,
                  GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    char **addresses = NULL;
    int r;

    if (!store_ioctx(conn, pool, &io, error))
        return NULL;
    r = rbd_open_read_only(io, image, &handle, NULL);
    if (r == -ENOENT)
        return g_new0(char *, 1);
    if (r >= 0)
        r = store_watchers_read(handle, &addresses);
    if (r < 0)
        store_fail(error, conn, r, "cannot list the clients of '%s/%s'", pool,
                   image);
    return addresses;
}

char **
store_watchers(StoreCluster *cluster,
               const char *pool,
               const char *image,
               GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    char **addresses = NULL;
    int r;

    if (!conn || !store_ioctx(conn, pool, &io, error))
        return NULL;
    r = rbd_open_read_only(io, image, &handle, NULL);
    if (r >= 0)
        r = store_watchers_read(handle, &addresses);
    if (r < 0)
        store_fail(error, conn, r, "cannot list the clients of '%s/%s'", pool,
                   image);
    return addresses;
}
