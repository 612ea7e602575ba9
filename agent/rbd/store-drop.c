/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store-drop.c - giving claims up, one's own and a predecessor's
 *
 * Before the removal the claim is noted as one that nobody uses, and only
 * after it as gone: a kill between the two leaves a claim that whoever comes
 * next may take at once, because the note proves that its holder is dead.
 * A removal compares the holder in the same operation, so a claim that was
 * taken over meanwhile stays with whoever took it.
 */
#include "config.h"

#include "agent/rbd/store-fault.h"
#include "agent/rbd/store-internal.h"

#include <errno.h>
#include <string.h>

static int
drop_noted(StoreConn *conn,
           StoreConn *noted,
           const char *pool,
           const char *image,
           const char *owner,
           const char *holder)
{
    int r;

    store_instance_note(noted, "drops", pool, image, owner);
    r = STORE_FAULT("claim-dropping");
    if (r >= 0)
        r = store_claim_remove(conn, pool, image, holder);
    if (r >= 0)
        r = STORE_FAULT("claim-dropped");
    if (r == -ECANCELED || r == -ENOENT)
        r = 0; /* somebody else's by now, or nobody's */
    if (r >= 0)
        store_instance_note(noted, "dropped", pool, image, owner);
    return r;
}

static void
claim_free(StoreClaim *claim)
{
    store_conn_unref(claim->conn);
    g_free(claim->pool);
    g_free(claim->image);
    g_free(claim->owner);
    g_free(claim->holder);
    g_free(claim);
}

void
store_claim_leave(StoreClaim *claim)
{
    (void)store_heart_remove(claim);
    claim_free(claim);
}

void
store_claim_drop(StoreClaim *claim)
{
    int r;

    if (!claim)
        return;
    /* A retired connection must change nothing more: its claim stays for
     * whoever comes next, who finds this instance dead. */
    if (store_heart_remove(claim) && !g_atomic_int_get(&claim->conn->retired)) {
        r = drop_noted(claim->conn, claim->conn, claim->pool, claim->image,
                       claim->owner, claim->holder);
        if (r == -ESHUTDOWN || r == -ETIMEDOUT)
            store_conn_retire(claim->conn);
    }
    claim_free(claim);
}

/* Which of our own connections the instance is, or NULL. */
static StoreConn *
own_conn(StoreConn *conn, const GPtrArray *conns, const char *instance)
{
    if (strcmp(conn->instance, instance) == 0)
        return conn;
    for (guint i = 0; i < conns->len; i++) {
        StoreConn *own = g_ptr_array_index(conns, i);

        if (strcmp(own->instance, instance) == 0)
            return own;
    }
    return NULL;
}

static bool
was_handed_by_dead(StoreConn *conn,
                   const char *pool,
                   const char *image,
                   const char *instance)
{
    int handed_s;

    return store_instance_look(conn->cluster->run_dir, instance, pool, image,
                               &handed_s) == STORE_INSTANCE_DEAD &&
           handed_s >= 0;
}

/* conns: our own connections, or NULL when what they hold is to stay. */
static gboolean
drop_if_ours(StoreConn *conn,
             const GPtrArray *conns,
             const char *pool,
             const char *image,
             const char *owner,
             bool *ret_dropped,
             GError **error)
{
    g_auto(StoreClaimSeen) seen = {0};
    int r = store_claim_read(conn, pool, image, &seen);

    if (r >= 0) {
        g_autofree char *whose = store_holder_field(seen.holder, "owner");
        g_autofree char *instance = store_holder_field(seen.holder, "instance");
        StoreConn *own = conns ? own_conn(conn, conns, instance) : NULL;

        if (strcmp(whose, owner) != 0 ||
            (!own && !was_handed_by_dead(conn, pool, image, instance)))
            return TRUE;
        r = own ? drop_noted(conn, own, pool, image, owner, seen.holder)
                : store_claim_remove(conn, pool, image, seen.holder);
        *ret_dropped = r >= 0;
    }
    if (r < 0 && r != -ECANCELED && r != -ENOENT)
        return store_fail(error, conn, r, "cannot drop the claim on '%s/%s'",
                          pool, image);
    return TRUE;
}

gboolean
store_claim_drop_for(StoreCluster *cluster,
                     const char *pool,
                     const char *image,
                     const char *owner,
                     GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_autoptr(GPtrArray) conns = store_heart_find(cluster, pool, image, owner);
    bool dropped = false;

    if (!conn ||
        !drop_if_ours(conn, conns, pool, image, owner, &dropped, error))
        return FALSE;
    store_heart_forget(cluster, pool, image, owner);
    return TRUE;
}

gboolean
store_claim_drop_dead(StoreCluster *cluster,
                      const char *pool,
                      const char *image,
                      const char *owner,
                      bool *ret_dropped,
                      GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);

    *ret_dropped = false;
    return conn &&
           drop_if_ours(conn, NULL, pool, image, owner, ret_dropped, error);
}
