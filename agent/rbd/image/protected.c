/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/protected.c - is this an image that others are cloned from?
 */
#include "config.h"

#include "agent/rbd/image/protected.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/list.h"

/* Of an image with more nothing is said. */
#define SNAPS_MAX 1024

/* Cinder's, which are of a volume that a guest writes to. */
#define OF_VOLUME "snapshot-"

static int
is_protected(rbd_image_t handle, const char *snap)
{
    int yes = 0;
    int r = g_str_has_prefix(snap, OF_VOLUME)
                ? 0
                : rbd_snap_is_protected(handle, snap, &yes);

    return r < 0 ? r : yes != 0;
}

/* Negative: it cannot be told. */
static int
find_protected(rbd_image_t handle, char **ret_snap)
{
    int max = SNAPS_MAX;
    g_autofree rbd_snap_info_t *snaps = g_new0(rbd_snap_info_t, SNAPS_MAX);
    int n = rbd_snap_list(handle, snaps, &max);
    int found = 0;

    for (int i = 0; i < n && found == 0; i++) {
        found = is_protected(handle, snaps[i].name);
        if (found > 0)
            *ret_snap = g_strdup(snaps[i].name);
    }
    if (n > 0)
        rbd_snap_list_end(snaps);
    return n < 0 ? n : found;
}

char *
store_image_protected(StoreCluster *cluster,
                      const char *pool,
                      const char *image)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, &why);
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    char *snap = NULL;
    int r;

    if (!conn || !store_ioctx(conn, pool, &io, &why))
        return NULL;
    r = rbd_open_read_only(io, image, &handle, NULL);
    if (r >= 0)
        r = find_protected(handle, &snap);
    store_conn_note(conn, r, pool, image);
    return snap;
}
