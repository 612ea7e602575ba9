/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/snap.c - snapshots of a volume, as Cinder makes them
 */
#include "config.h"

#include "agent/rbd/volume/snap.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/pool-space.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/volume/claimed.h"
#include "agent/rbd/volume/progress.h"
#include "agent/rbd/volume/snap-remove.h"
#include "agent/rbd/volume/snaps.h"

#include <errno.h>

typedef struct {
    StoreConn *conn;
    StoreIo io;
    const char *pool;
    const char *name;
    const char *snap;
} At;

static void
at_clear(At *at)
{
    store_ioctx_clear(&at->io);
    if (at->conn)
        store_conn_unref(at->conn);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(At, at_clear)

static gboolean
refuse_missing(const At *at, GError **error)
{
    return store_refuse(error, STORE_ERROR_MISSING,
                        "volume '%s/%s' has no snapshot '%s' (remora volume "
                        "snapshot list %s/%s)",
                        at->pool, at->name, at->snap, at->pool, at->name);
}

static gboolean
fail(const At *at, int r, const char *what, GError **error)
{
    if (r == -ENOENT)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "no volume '%s/%s' (remora volume list)", at->pool,
                            at->name);
    return store_fail(error, at->conn, r, "cannot %s snapshot '%s/%s@%s'", what,
                      at->pool, at->name, at->snap);
}

static gboolean
begin(StoreCluster *cluster, At *at, GError **error)
{
    store_conn_will_unprotect(cluster);
    at->conn = store_conn_acquire(cluster, error);
    if (!at->conn || !store_ioctx(at->conn, at->pool, &at->io, error))
        return FALSE;
    rados_set_pool_full_try(at->io);
    return TRUE;
}

/* ---- made ----------------------------------------------------------------------------- */

static int
create(rbd_image_t handle, const char *snap, bool *ret_there)
{
    int is_protected = 0;
    int r = rbd_snap_create(handle, snap);

    *ret_there = false;
    if (r == -EEXIST) {
        r = rbd_snap_is_protected(handle, snap, &is_protected);
        *ret_there = is_protected != 0;
    }
    if (r >= 0)
        r = STORE_FAULT("volume-snapped");
    if (r >= 0 && !*ret_there)
        r = rbd_snap_protect(handle, snap);
    if (r >= 0)
        r = STORE_FAULT("volume-protected");
    return r == -EBUSY ? 0 : r;
}

/* One that is half-made or between two states must not be kept for later. */
static gboolean
check_whole(const At *at, GError **error)
{
    g_auto(StoreLook) look = {0};

    if (!store_look(at->conn, at->pool, at->name, NULL, &look, error))
        return FALSE;
    if (!look.there)
        return fail(at, -ENOENT, "create", error);
    if (look.opens && !look.building)
        return TRUE;
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "volume '%s/%s' is half-made, or between two states, "
                        "and no snapshot is made of that (remora volume show "
                        "%s/%s)",
                        at->pool, at->name, at->pool, at->name);
}

gboolean
store_volume_snap_create(StoreCluster *cluster,
                         const char *pool,
                         const char *name,
                         const char *snap,
                         GError **error)
{
    g_auto(At) at = {.pool = pool, .name = name, .snap = snap};
    g_auto(StoreHandle) handle = NULL;
    bool there = false;
    int r;

    if (!begin(cluster, &at, error) ||
        !store_pool_check_space(at.conn, pool, error) ||
        !check_whole(&at, error))
        return FALSE;
    r = rbd_open(at.io, name, &handle, NULL);
    if (r >= 0)
        r = create(handle, snap, &there);
    if (r < 0)
        return fail(&at, r, "create", error);
    if (there)
        return store_refuse(error, STORE_ERROR_BUSY,
                            "volume '%s/%s' has a snapshot '%s' already: give "
                            "another id",
                            pool, name, snap);
    return TRUE;
}

/* ---- removed ---------------------------------------------------------------------------- */

gboolean
store_volume_snap_remove(StoreCluster *cluster,
                         const char *pool,
                         const char *name,
                         const char *snap,
                         GError **error)
{
    g_auto(At) at = {.pool = pool, .name = name, .snap = snap};
    g_auto(StoreHandle) handle = NULL;
    g_autoptr(GPtrArray) snaps = NULL;
    const StoreVolumeSnap *found;
    int r;

    if (!begin(cluster, &at, error))
        return FALSE;
    r = rbd_open(at.io, name, &handle, NULL);
    if (r >= 0)
        snaps = store_snaps_read(handle, &r);
    if (r < 0)
        return fail(&at, r, "remove", error);
    store_snaps_remove_left(handle);
    found = store_snaps_find(snaps, snap);
    if (!found)
        return refuse_missing(&at, error);
    const StoreSnapAt where = {at.conn, at.io, pool, name};
    return store_snap_remove_unused(&where, handle, found, error);
}

void
store_volume_snap_remove_own(StoreCluster *cluster,
                             const char *pool,
                             const char *name,
                             const char *snap,
                             GError **ret_left)
{
    g_autoptr(GError) why = NULL;

    if (!store_volume_snap_remove(cluster, pool, name, snap, &why) &&
        !g_error_matches(why, STORE_ERROR, STORE_ERROR_MISSING))
        store_refuse(ret_left, STORE_ERROR_FAILED,
                     "%s: it was made for this call alone, remove it (remora "
                     "volume snapshot rm %s/%s %s)",
                     why->message, pool, name, snap);
}

/* ---- rolled back ------------------------------------------------------------------------- */

/* The mark stays until all of it is written. */
static int
rollback(const StoreClaimed *claimed,
         rbd_image_t handle,
         const char *snap,
         StoreSteps *steps)
{
    g_autofree char *mark =
        store_mark_new(claimed->conn, claimed->volume, snap, claimed->look.id);
    int r = rbd_metadata_set(handle, STORE_BUILDING_KEY, mark);

    if (r >= 0)
        r = STORE_FAULT("volume-rolling");
    if (r >= 0)
        r = rbd_snap_rollback_with_progress(handle, snap, store_steps, steps);
    if (r >= 0)
        r = STORE_FAULT("volume-rolled");
    if (r >= 0)
        r = rbd_flush(handle);
    if (r >= 0)
        r = rbd_metadata_remove(handle, STORE_BUILDING_KEY);
    return r;
}

static gboolean
rollback_claimed(const StoreClaimed *claimed,
                 const char *snap,
                 StoreSteps *steps,
                 GError **error)
{
    const At at = {.conn = claimed->conn,
                   .io = claimed->io,
                   .pool = claimed->pool,
                   .name = claimed->volume,
                   .snap = snap};
    g_autoptr(GPtrArray) snaps = NULL;
    StoreHandle handle = NULL;
    const StoreVolumeSnap *found = NULL;
    int closed;
    int r = rbd_open(claimed->io, claimed->volume, &handle, NULL);

    if (r >= 0)
        snaps = store_snaps_read(handle, &r);
    if (r >= 0)
        found = store_snaps_find(snaps, snap);
    if (found) {
        steps->size = found->size;
        r = rollback(claimed, handle, snap, steps);
    }
    closed = handle ? store_close(handle) : 0;
    r = r < 0 ? r : closed;
    if (r >= 0 && !found)
        return refuse_missing(&at, error);
    if (store_steps_cancelled(steps, r))
        return store_refuse(error, STORE_ERROR_FAILED,
                            "rolling volume '%s/%s' back was cancelled: it is "
                            "between two states until it is rolled back again",
                            claimed->pool, claimed->volume);
    return r >= 0 || fail(&at, r, "roll back to", error);
}

gboolean
store_volume_snap_rollback(StoreCluster *cluster,
                           const char *pool,
                           const char *name,
                           const char *snap,
                           StoreProgress progress,
                           gpointer data,
                           GError **error)
{
    StoreSteps steps = {.show = progress, .data = data};
    StoreClaimed claimed;
    GError *why = NULL;

    if (!store_volume_claim(cluster, pool, name, false, &claimed, error))
        return FALSE;
    if ((claimed.state == STORE_CLAIMED_CUT_SHORT ||
         store_claimed_check(&claimed, &why)) &&
        store_claimed_space(&claimed, &why))
        (void)rollback_claimed(&claimed, snap, &steps, &why);
    return store_volume_unclaim(&claimed, why, error);
}
