/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/lock.c - what an image's exclusive lock says of a client
 *
 * Where an image has that feature, librbd sends no write before it has the lock,
 * and gives it back only when the last one has been answered: on a request, or
 * when the image is closed. A client that dies keeps it, and whoever breaks it
 * puts that client on the blocklist first.
 */
#include "config.h"

#include "agent/rbd/image/lock.h"

#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/handle.h"

#include <string.h>

/* Of an exclusive lock there is one owner; who made more by hand is not asked. */
#define LIST_MAX 1024u

/* Both are one client's: the number behind the slash is random. How the rest is
 * written may differ from one release to the next. */
static bool
is_same(const char *a, const char *b)
{
    const char *x = strrchr(a, '/');
    const char *y = strrchr(b, '/');

    return !x || !y || strcmp(x, y) == 0;
}

/* addr holds the lock, or it cannot be known. As 'rbd lock ls' reads it, which
 * has the image open to read only, too. */
static bool
may_hold(rbd_image_t handle, const char *addr)
{
    char tag[LIST_MAX], clients[LIST_MAX], cookies[LIST_MAX];
    g_autofree char *addrs = g_malloc0(LIST_MAX);
    size_t tag_len = sizeof(tag);
    size_t clients_len = sizeof(clients);
    size_t cookies_len = sizeof(cookies);
    size_t addrs_len = LIST_MAX;
    int exclusive = 0;
    ssize_t n = rbd_list_lockers(handle, &exclusive, tag, &tag_len, clients,
                                 &clients_len, cookies, &cookies_len, addrs,
                                 &addrs_len);
    const char *at = addrs;

    for (ssize_t i = 0; i < n; i++) {
        if (is_same(at, addr))
            return true;
        at += strlen(at) + 1;
    }
    return n < 0;
}

bool
store_has_let_go(StoreConn *conn,
                 const char *pool,
                 const char *image,
                 const char *addr)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    uint64_t features = 0;
    int r = rados_ioctx_create(conn->rados, pool, &io);

    if (r >= 0)
        r = rbd_open_read_only(io, image, &handle, NULL);
    if (r >= 0)
        r = rbd_get_features(handle, &features);
    store_conn_note(conn, r, pool, image);
    return r >= 0 && (features & RBD_FEATURE_EXCLUSIVE_LOCK) &&
           !may_hold(handle, addr);
}
