/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/base.c - images of our own that disks are cloned from
 *
 * What dies before the ready mark leaves what the next maker trashes; after it,
 * what he gives the snapshot that is missing.
 */
#include "config.h"

#include "agent/rbd/disk/base.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/provision.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/list.h"

#include <errno.h>

/* Nobody's: no domain has it, and what asks libvirt for it hears that. */
#define NO_DOMAIN "00000000-0000-0000-0000-000000000000"

/* Several may do it at once: that it is there already is as good. */
static gboolean
seal(StoreCluster *cluster, const StoreBaseAsk *ask, GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    int r;

    if (!conn || !store_ioctx(conn, ask->pool, &io, error))
        return FALSE;
    r = STORE_FAULT("sealing");
    if (r >= 0)
        r = rbd_open(io, ask->image, &handle, NULL);
    if (r >= 0)
        r = rbd_snap_create(handle, STORE_SNAP);
    if (r >= 0)
        r = STORE_FAULT("sealed");
    if (r >= 0 || r == -EEXIST)
        r = rbd_snap_protect(handle, STORE_SNAP);
    return r >= 0 || r == -EBUSY ||
           store_fail(error, conn, r, "cannot make the snapshot '%s/%s@%s'",
                      ask->pool, ask->image, STORE_SNAP);
}

gboolean
store_base_make(StoreCluster *cluster,
                const StoreBaseAsk *ask,
                bool *ret_made,
                char **ret_recovered,
                GError **error)
{
    const StoreDisk disk = {
        .source = STORE_SOURCE_FILLED,
        .fill = ask->fill,
        .fill_data = ask->fill_data,
        .pool = ask->pool,
        .image = ask->image,
        .size = ask->size,
        .keep_size = true,
        .owner = NO_DOMAIN,
        .label = "base",
        .read_only = true,
        .patience_ms = ask->patience_ms,
    };
    StoreResult result = {0};
    gboolean ready = store_provision(cluster, &disk, &result, error);

    *ret_made = ready && result.outcome == STORE_BUILT;
    *ret_recovered = g_steal_pointer(&result.recovered);
    return ready && seal(cluster, ask, error);
}
