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

#include <errno.h>
#include <string.h>

/* Of an exclusive lock there is one owner. */
#define OWNERS 4u

/* Both are one client's: the number behind the slash is random. How the rest is
 * written may differ from one release to the next. */
static bool
is_same(const char *a, const char *b)
{
    const char *x = strrchr(a, '/');
    const char *y = strrchr(b, '/');

    return !x || !y || strcmp(x, y) == 0;
}

/* addr holds the lock, or it cannot be known. */
static bool
may_hold(rbd_image_t handle, const char *addr)
{
    char *owners[OWNERS] = {NULL};
    rbd_lock_mode_t mode;
    size_t n = OWNERS;
    bool holds = false;
    int r = rbd_lock_get_owners(handle, &mode, owners, &n);

    if (r < 0)
        return r != -ENOENT;
    for (size_t i = 0; i < n; i++)
        holds |= is_same(owners[i], addr);
    rbd_lock_get_owners_cleanup(owners, n);
    return holds;
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
