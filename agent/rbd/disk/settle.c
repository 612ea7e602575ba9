/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/settle.c - a disk's claim, its watchers, and what its guest does
 */
#include "config.h"

#include "agent/rbd/disk/settle.h"

#include "agent/rbd/claim/settle.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/lock.h"
#include "agent/rbd/image/watchers.h"

#include <errno.h>
#include <string.h>

struct StoreSight {
    StoreConn *conn;
    char *pool;
    char *image;
    StoreClaimSeen seen;
};

void
store_sight_free(StoreSight *sight)
{
    if (!sight)
        return;
    store_conn_unref(sight->conn);
    g_free(sight->pool);
    g_free(sight->image);
    store_claim_seen_clear(&sight->seen);
    g_free(sight);
}

const char *
store_sight_owner(const StoreSight *sight)
{
    return sight->seen.record ? sight->seen.record->who.domain : NULL;
}

StoreSight *
store_sight_new(StoreCluster *cluster,
                const char *pool,
                const char *image,
                GError **error)
{
    g_autoptr(StoreSight) sight = g_new0(StoreSight, 1);
    int r;

    sight->conn = store_conn_acquire(cluster, error);
    if (!sight->conn)
        return NULL;
    sight->pool = g_strdup(pool);
    sight->image = g_strdup(image);
    r = store_claim_read(sight->conn, pool, image, &sight->seen);
    if (r < 0 && r != -ENOENT) {
        store_fail(error, sight->conn, r, "cannot read the claim on '%s/%s'",
                   pool, image);
        return NULL;
    }
    return g_steal_pointer(&sight);
}

gboolean
store_sight_settle(StoreSight *sight,
                   const StoreGuestNow *now,
                   StoreSettled *ret_settled,
                   char **ret_text,
                   GError **error)
{
    g_auto(GStrv) watchers =
        store_watchers_of(sight->conn, sight->pool, sight->image, error);

    return watchers &&
           store_claim_settle(sight->conn, sight->pool, sight->image,
                              &sight->seen, now, watchers, store_has_let_go,
                              ret_settled, ret_text, error);
}
