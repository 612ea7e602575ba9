/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/image-claim.c - the claim on an image that is added or removed
 */
#include "config.h"

#include "agent/rbd/disk/image-claim.h"

#include "agent/rbd/claim/acquire.h"
#include "agent/rbd/claim/beat.h"
#include "agent/rbd/claim/object.h"
#include "agent/rbd/claim/release.h"
#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/pool-space.h"
#include "agent/rbd/image/lock.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/image/watchers.h"

#include <errno.h>

/* Longer than a dead builder of another host has to be watched. */
#define PATIENCE_S (STORE_DEAD_S + 10)

/* full: why nothing can be written there. */
static gboolean
go_without(StoreConn *conn,
           const char *pool,
           const char *image,
           const GError *full,
           GError **error)
{
    g_auto(StoreClaimSeen) seen = {0};
    int r = store_claim_read(conn, pool, image, &seen);

    if (r == -ENOENT)
        return TRUE;
    if (r >= 0 || r == -EINVAL)
        return store_refuse(error, STORE_ERROR_BUSY,
                            "'%s/%s' is claimed, and that cannot be taken over "
                            "(%s)",
                            pool, image, full->message);
    return store_fail(error, conn, r, "cannot read the claim on '%s/%s'", pool,
                      image);
}

static bool
has_booted_since(const StoreConn *conn, const StorePlace *place)
{
    return store_place_same_host(place, &conn->place) &&
           !store_place_same_boot(place, &conn->place);
}

static gboolean
refuse_unseen(const char *pool,
              const char *image,
              const StoreRecord *record,
              GError **error)
{
    const StorePlace *place = &record->who.place;

    return store_refuse(error, STORE_ERROR_BUSY,
                        "there is no image '%s/%s', and a guest of '%s' on "
                        "host '%s' has it open: if it was renamed or moved to "
                        "the trash, put that right; if that host is dead for "
                        "good, 'remora fence --host %s'",
                        pool, image, store_known(record->who.domain),
                        store_known(place->host), store_known(place->host));
}

/* Whether there is no image of that name. */
static int
is_missing(StoreConn *conn, const char *pool, const char *image, bool *ret)
{
    g_auto(StoreIo) io = NULL;
    bool taken = false;
    int r = -EIO;

    if (store_ioctx(conn, pool, &io, NULL))
        r = store_name_is_taken(io, image, &taken);
    *ret = !taken;
    return r;
}

/* Of an image that was renamed under its guest nobody can see by the name that the
 * guest has it open. Who starts a domain wants that disk all the same; what is
 * done here to an image that is not there is no reason to cut a guest off. */
static gboolean
check_unseen(StoreConn *conn,
             const char *pool,
             const char *image,
             GError **error)
{
    g_auto(StoreClaimSeen) seen = {0};
    bool missing = false;
    int r = is_missing(conn, pool, image, &missing);

    if (r >= 0 && missing)
        r = store_claim_read(conn, pool, image, &seen);
    if (r < 0 && r != -ENOENT)
        return store_fail(error, conn, r, "cannot see who has '%s/%s' open",
                          pool, image);
    if (!seen.record || seen.record->phase != STORE_PHASE_RUNNING ||
        has_booted_since(conn, &seen.record->who.place))
        return TRUE;
    return refuse_unseen(pool, image, seen.record, error);
}

static char **
watchers_by_name(StoreConn *conn,
                 const char *pool,
                 const char *image,
                 GError **error)
{
    g_auto(GStrv) watchers = store_watchers_of(conn, pool, image, error);

    if (watchers && !watchers[0] && !check_unseen(conn, pool, image, error))
        return NULL;
    return g_steal_pointer(&watchers);
}

gboolean
store_image_claim(StoreConn *conn,
                  const char *pool,
                  const char *image,
                  bool builds,
                  StoreClaim **ret_claim,
                  bool *ret_dead,
                  GError **error)
{
    g_auto(StoreClaimTaken) taken = {0};
    g_autoptr(GError) full = NULL;
    const StoreClaimAsk ask = {
        .pool = pool,
        .image = image,
        .domain = image,
        .builds = builds,
        .watchers = watchers_by_name,
        .let_go = store_has_let_go,
        .until_us =
            g_get_monotonic_time() + (gint64)PATIENCE_S * G_USEC_PER_SEC,
    };

    if (!store_pool_check_space(conn, pool, &full)) {
        if (!builds)
            return go_without(conn, pool, image, full, error);
        g_propagate_error(error, g_steal_pointer(&full));
        return FALSE;
    }
    if (!store_claim_acquire(conn, &ask, ret_claim, &taken, error))
        return FALSE;
    *ret_dead = taken.text != NULL;
    return TRUE;
}

gboolean
store_image_unclaim(StoreClaim *claim, GError *why, GError **error)
{
    if (claim && store_conn_may_write(claim->conn, why))
        store_claim_drop(claim);
    else if (claim)
        store_claim_leave(claim);
    if (!why)
        return TRUE;
    g_propagate_error(error, why);
    return FALSE;
}

char *
store_image_claim_find(StoreCluster *cluster,
                       const char *const *pools,
                       const char *image)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, NULL);

    for (gsize i = 0; conn && pools[i]; i++) {
        g_auto(StoreClaimSeen) seen = {0};

        if (store_claim_read(conn, pools[i], image, &seen) != -ENOENT)
            return g_strdup(pools[i]);
    }
    return NULL;
}
