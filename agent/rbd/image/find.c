/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/find.c - which pool has the image?
 *
 * A user names an image by its id alone; the pools that are configured are
 * asked in their order, for the object that takes the name.
 */
#include "config.h"

#include "agent/rbd/image/find.h"

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/stall.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/look.h"

#include <errno.h>
#include <string.h>

typedef enum {
    HAS_IMAGE,
    HAS_NOT,
    NO_POOL,
    HAS_ERROR,
} Answer;

static Answer
ask(StoreConn *conn, const char *pool, const char *image, GError **error)
{
    g_auto(StoreIo) io = NULL;
    bool taken = false;
    int r;

    if (!store_stalls_check(conn->cluster, pool, image, error))
        return HAS_ERROR;
    r = rados_ioctx_create(conn->rados, pool, &io);

    if (r == -ENOENT)
        return NO_POOL;
    if (r >= 0)
        r = store_name_is_taken(io, image, &taken);
    if (r >= 0)
        return taken ? HAS_IMAGE : HAS_NOT;
    store_conn_note(conn, r, pool, image);
    store_fail(error, NULL, r, "cannot look for image '%s/%s'", pool, image);
    return HAS_ERROR;
}

static void
refuse_all(StoreConn *conn,
           const char *const *pools,
           const char *image,
           bool any_pool,
           GError **error)
{
    g_autofree char *names = g_strjoinv("', '", (char **)pools);

    if (any_pool)
        store_refuse(error, STORE_ERROR_MISSING,
                     "no image '%s' in pool '%s' of cluster '%s': is it still "
                     "in Glance? (rbd ls %s)",
                     image, names, store_cluster_name(conn->cluster), pools[0]);
    else
        store_refuse(error, STORE_ERROR_MISSING,
                     "cluster '%s' has no pool '%s': check the pools in "
                     "remora.conf (ceph osd pool ls)",
                     store_cluster_name(conn->cluster), names);
}

char *
store_find_image(StoreCluster *cluster,
                 const char *const *pools,
                 const char *image,
                 GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    bool any_pool = false;

    for (gsize i = 0; conn && pools[i]; i++) {
        switch (ask(conn, pools[i], image, error)) {
        case HAS_IMAGE:
            return g_strdup(pools[i]);
        case HAS_NOT:
            any_pool = true;
            break;
        case NO_POOL:
            break;
        case HAS_ERROR:
            return NULL;
        }
    }
    if (conn)
        refuse_all(conn, pools, image, any_pool, error);
    return NULL;
}
