/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/watchers.c - who has an image open for writing
 *
 * Every client that may write watches the image's header. Our own look is
 * read-only and so never among them; a killed client's watch stays for up to
 * a minute.
 */
#include "config.h"

#include "agent/rbd/image/watchers.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/flattening.h"
#include "agent/rbd/image/handle.h"

#include <errno.h>

/* What there is room for beyond what is known of: most often there is one watch,
 * or none, and some may come meanwhile. */
#define SPARE 16u

static char **
take_addresses(rbd_image_watcher_t *list, size_t n)
{
    char **addresses = g_new0(char *, n + 1);

    for (size_t i = 0; i < n; i++)
        addresses[i] = g_strdup(list[i].addr);
    rbd_watchers_list_cleanup(list, n);
    return addresses;
}

int
store_watchers_read(gpointer handle, char ***ret_addresses, bool *ret_crowded)
{
    size_t wanted = 0;
    int r = -ERANGE;

    while (r == -ERANGE && wanted <= STORE_WATCHERS_MAX) {
        size_t max = MIN(wanted + SPARE, STORE_WATCHERS_MAX);
        g_autofree rbd_image_watcher_t *list = g_new0(rbd_image_watcher_t, max);
        size_t n = max;

        r = rbd_watchers_list(handle, list, &n);
        if (r >= 0)
            *ret_addresses = take_addresses(list, n);
        wanted = MAX(n, max + 1);
    }
    if (r < 0 && r != -ERANGE)
        return r;
    *ret_crowded = r == -ERANGE;
    if (*ret_crowded)
        *ret_addresses = g_new0(char *, 1);
    return 0;
}

gboolean
store_watchers_refuse(const char *pool, const char *image, GError **error)
{
    return store_refuse(error, STORE_ERROR_BUSY,
                        "'%s/%s' is open for writing in more than %u places, "
                        "too many to tell whose they are: stop most of those "
                        "clients first (rbd status %s/%s)",
                        pool, image, STORE_WATCHERS_MAX, pool, image);
}

char **
store_watchers_of(StoreConn *conn,
                  const char *pool,
                  const char *image,
                  GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    g_auto(GStrv) addresses = NULL;
    bool crowded = false;
    int r;

    if (!store_ioctx(conn, pool, &io, error))
        return NULL;
    r = rbd_open_read_only(io, image, &handle, NULL);
    if (r == -ENOENT)
        return g_new0(char *, 1);
    if (r >= 0)
        r = store_watchers_read(handle, &addresses, &crowded);
    if (r >= 0)
        r = store_flatten_filter_flattener(handle, addresses);
    store_conn_note(conn, r, pool, image);
    if (r < 0)
        store_fail(error, NULL, r, "cannot list the clients of '%s/%s'", pool,
                   image);
    else if (crowded)
        (void)store_watchers_refuse(pool, image, error);
    else
        return g_steal_pointer(&addresses);
    return NULL;
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
    g_auto(GStrv) addresses = NULL;
    bool crowded = false;
    int r;

    if (!conn || !store_ioctx(conn, pool, &io, error))
        return NULL;
    r = rbd_open_read_only(io, image, &handle, NULL);
    if (r >= 0)
        r = store_watchers_read(handle, &addresses, &crowded);
    store_conn_note(conn, r, pool, image);
    if (r < 0)
        store_fail(error, NULL, r, "cannot list the clients of '%s/%s'", pool,
                   image);
    else if (crowded)
        (void)store_watchers_refuse(pool, image, error);
    return r >= 0 && !crowded ? g_steal_pointer(&addresses) : NULL;
}
