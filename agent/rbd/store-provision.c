/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store-provision.c - a disk is there, whole, and one owner's
 *
 * The order is the safety: claim first, then look, then build, mark last.
 */
#include "config.h"

#include "agent/rbd/store-fault.h"
#include "agent/rbd/store-internal.h"

#define PROVISION_TRIES 3

void
store_result_clear(StoreResult *result)
{
    g_clear_pointer(&result->recovered, g_free);
}

static gboolean
use(StoreConn *conn,
    const StoreDisk *disk,
    const StoreLook *look,
    StoreResult *result,
    GError **error)
{
    result->outcome = STORE_READY;
    result->size = look->size;
    if (!disk->parent.pool || disk->read_only || disk->size <= look->size)
        return TRUE;
    result->outcome = STORE_GROWN;
    result->size = disk->size;
    return store_grow(conn, disk, error);
}

static gboolean
build(StoreConn *conn,
      const StoreDisk *disk,
      StoreResult *result,
      GString *done,
      bool *ret_done,
      GError **error)
{
    bool exists = false;

    if (!disk->parent.pool)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "image '%s/%s' does not exist: create it or "
                            "correct the disk's source (rbd ls %s)",
                            disk->pool, disk->image, disk->pool);
    if (!store_room_check(conn, disk, error) ||
        !store_build(conn, disk, &result->size, &exists, done, error))
        return FALSE;
    result->outcome = STORE_BUILT;
    *ret_done = !exists;
    return TRUE;
}

/* Under the claim: until the disk is whole, or there is a reason why not. */
static gboolean
make_ready(StoreAttempt *attempt, StoreResult *result, GError **error)
{
    StoreConn *conn = attempt->conn;
    const StoreDisk *disk = attempt->disk;
    bool done = false;

    if (attempt->absent &&
        !build(conn, disk, result, attempt->done, &done, error))
        return FALSE;
    for (int i = 0; !done && i < PROVISION_TRIES + 2; i++) {
        g_auto(StoreLook) look = {0};
        StoreNext next;

        if (!store_look(conn, disk->pool, disk->image,
                        i == 0 && attempt->id[0] ? attempt->id : NULL, &look,
                        error) ||
            !store_judge(attempt, &look, &next, error))
            return FALSE;
        if (next == STORE_NEXT_USE)
            return use(conn, disk, &look, result, error);
        if (next == STORE_NEXT_BUILD &&
            !build(conn, disk, result, attempt->done, &done, error))
            return FALSE;
    }
    if (done)
        return TRUE;
    return store_refuse(error, STORE_ERROR_BUSY,
                        "'%s/%s' does not come to rest: somebody else works "
                        "on it without a claim",
                        disk->pool, disk->image);
}

/* Read-only use of a snapshot: there is nothing to make and nothing to
 * claim. */
static gboolean
check_snapshot(StoreConn *conn,
               const StoreDisk *disk,
               StoreResult *result,
               GError **error)
{
    StoreFound found;

    store_parent_forget(conn->cluster, &disk->parent);
    if (!store_parent_find(conn, &disk->parent, &found, error))
        return FALSE;
    result->outcome = STORE_READY;
    result->size = found.size;
    return TRUE;
}

/* Read-only use of an image that nobody clones: it only has to be there. */
static gboolean
check_bare(StoreConn *conn,
           const StoreDisk *disk,
           StoreResult *result,
           GError **error)
{
    g_auto(StoreLook) look = {0};
    bool done;

    if (!store_look(conn, disk->pool, disk->image, NULL, &look, error))
        return FALSE;
    if (!look.there)
        return build(conn, disk, result, NULL, &done, error);
    return store_judge_strangers(conn, disk, &look, error) &&
           use(conn, disk, &look, result, error);
}

static gboolean
check_read_only(StoreConn *conn,
                const StoreDisk *disk,
                StoreResult *result,
                GError **error)
{
    return disk->parent.pool ? check_snapshot(conn, disk, result, error)
                             : check_bare(conn, disk, result, error);
}

/* The mistake that claims and marks are there against; only a test of the
 * tests gets here. */
static gboolean
provision_carelessly(StoreConn *conn,
                     const StoreDisk *disk,
                     StoreResult *result,
                     GError **error)
{
    g_auto(StoreLook) look = {0};
    g_autoptr(GString) put_right = g_string_new(NULL);
    bool done;

    if (!store_look(conn, disk->pool, disk->image, NULL, &look, error))
        return FALSE;
    if (!look.there)
        return build(conn, disk, result, put_right, &done, error);
    result->outcome = STORE_READY;
    result->size = look.size;
    return TRUE;
}

/* Under whose claim a half-made image stands is all that shows whose it is. As
 * long as it could not be judged, the claim stays with it. */
static void
give_up(const StoreAttempt *attempt, StoreClaim *claim)
{
    if (attempt->dead && !attempt->settled)
        store_claim_leave(claim);
    else
        store_claim_drop(claim);
}

/* Holds the claim while the disk is made ready. */
static gboolean
provision_held(StoreConn *conn,
               const StoreDisk *disk,
               StoreResult *result,
               GError **error)
{
    g_autoptr(GString) done = g_string_new(NULL);
    g_auto(StoreTaken) taken = {0};
    g_autoptr(StorePeek) peek = store_peek_begin(conn, disk->pool, disk->image);
    StoreAttempt attempt = {.conn = conn, .disk = disk, .done = done};
    g_auto(GStrv) builders = NULL;
    gboolean ready;

    if (!store_hold(conn, disk, &result->claim, &taken, error))
        return FALSE;
    attempt.claim = result->claim;
    attempt.dead = taken.holder;
    builders = taken.holder ? store_holder_builders(taken.holder) : NULL;
    attempt.builders = builders;
    attempt.adopted = taken.adopted;
    attempt.observed = taken.observed;
    attempt.absent =
        !taken.holder && disk->parent.pool && store_peek_finds_nothing(peek);
    (void)store_peek_id(peek, attempt.id, sizeof(attempt.id));
    if (taken.holder)
        store_attempt_note(&attempt, "took over the claim {%s}: %s",
                           taken.holder, taken.proof);
    ready = make_ready(&attempt, result, error);
    if (done->len > 0)
        result->recovered = g_strdup(done->str);
    if (!ready) {
        give_up(&attempt, g_steal_pointer(&result->claim));
        return FALSE;
    }
    if (disk->shareable)
        store_claim_drop(g_steal_pointer(&result->claim));
    return TRUE;
}

static gboolean
provision_claimed(StoreConn *conn,
                  const StoreDisk *disk,
                  StoreResult *result,
                  GError **error)
{
    StoreWork work;
    gboolean ready;

    if (STORE_FAULT("no-claims") < 0)
        return provision_carelessly(conn, disk, result, error);
    store_work_begin(conn->cluster, &work, disk);
    ready = provision_held(conn, disk, result, error);
    store_work_end(conn->cluster, &work);
    return ready;
}

gboolean
store_provision(StoreCluster *cluster,
                const StoreDisk *disk,
                StoreResult *ret_result,
                GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    StoreResult result = {0};
    gboolean ready;

    *ret_result = result;
    if (!conn)
        return FALSE;
    ready = disk->read_only ? check_read_only(conn, disk, &result, error)
                            : provision_claimed(conn, disk, &result, error);

    *ret_result = result;
    return ready;
}
