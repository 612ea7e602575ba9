/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/provision.c - a disk is there, whole, and one owner's
 *
 * The order is the safety: claim first, cut off who had it, then look, then
 * build, mark last, and hand the claim to the guest before it is told yes. What
 * is done about an image that is there already is verdict.c's to say.
 */
#include "config.h"

#include "agent/rbd/disk/provision.h"

#include "agent/rbd/claim/acquire.h"
#include "agent/rbd/claim/object.h"
#include "agent/rbd/claim/release.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/conn/work.h"
#include "agent/rbd/disk/carry.h"
#include "agent/rbd/disk/flatten.h"
#include "agent/rbd/disk/origin.h"
#include "agent/rbd/image/child.h"
#include "agent/rbd/image/lock.h"
#include "agent/rbd/image/peek.h"
#include "agent/rbd/image/snap.h"
#include "agent/rbd/image/watchers.h"

#include <errno.h>
#include <string.h>

#define PROVISION_TRIES 5

void
store_result_clear(StoreResult *result)
{
    g_clear_pointer(&result->recovered, g_free);
}

/* What its owner only reads, or shares, is held by nobody. */
static bool
is_gap(const StoreDisk *disk)
{
    return disk->read_only || disk->shareable;
}

/* ---- the facts -------------------------------------------------------------------- */

/* The watches that are no reason to refuse without a question: one's own, those of builders that
 * were cut off and are listed for a moment yet, and of a guest that arrives the
 * source's. */
static bool
is_excused(const StoreCarry *carry, const char *addr)
{
    const StoreRecord *record = carry->claim ? carry->claim->record : NULL;

    if (strcmp(addr, carry->conn->addr) == 0)
        return true;
    if (!record)
        return false;
    if (carry->claim->arrived && g_strcmp0(record->who.addr, addr) == 0)
        return true;
    for (guint i = 0; i < record->builders->len; i++)
        if (strcmp(g_ptr_array_index(record->builders, i), addr) == 0)
            return true;
    for (guint i = 0; i < record->owed->len; i++) {
        const StoreGuest *guest = g_ptr_array_index(record->owed, i);

        if (g_strcmp0(guest->addr, addr) == 0)
            return true;
    }
    return false;
}

static const char *
watcher_of(const StoreCarry *carry, const StoreLook *look)
{
    if (look->crowded)
        return "more clients than can be listed";
    for (gsize i = 0; look->watchers && look->watchers[i]; i++)
        if (!is_excused(carry, look->watchers[i]) &&
            !store_flattens(carry->conn->cluster, carry->disk->pool,
                            carry->disk->image, look->watchers[i]))
            return look->watchers[i];
    return NULL;
}

/* A clone of what its image was converted to is a clone of that image. Of one that
 * is whole nobody asks whose it is. */
static const StoreParent *
wanted_parent(const StoreCarry *carry,
              const StoreLook *look,
              StoreOrigin *origin,
              GError **error)
{
    const StoreDisk *disk = carry->disk;

    if (disk->source == STORE_SOURCE_CLONE && look->has_parent &&
        !look->marked && store_origin_is_base(disk->pool, look->parent_name) &&
        store_origin_look(carry->conn, disk, origin, error))
        return &origin->parent;
    return &disk->parent;
}

static StoreParentFact
parent_of(const StoreDisk *disk,
          const StoreParent *parent,
          const StoreLook *look)
{
    g_autofree char *name = NULL;

    if (!look->has_parent)
        return STORE_PARENT_NONE;
    if (disk->source != STORE_SOURCE_CLONE)
        return STORE_PARENT_OTHER;
    name =
        g_strdup_printf("%s/%s@%s", parent->pool, parent->image, parent->snap);
    return strcmp(look->parent_name, name) == 0 ? STORE_PARENT_ASKED
                                                : STORE_PARENT_OTHER;
}

static void
collect(StoreCarry *carry,
        const StoreParent *parent,
        const StoreLook *look,
        StoreDiskFacts *facts)
{
    const StoreDisk *disk = carry->disk;
    bool arrived = carry->claim && carry->claim->arrived;

    carry->watcher = watcher_of(carry, look);
    *facts = (StoreDiskFacts){
        .source = disk->source,
        .writes = !is_gap(disk),
        .dead_builder = carry->dead_builder &&
                        !store_claim_has_adopted(carry->claim, look->id),
        .arrived = arrived,
        .there = look->there,
        .opens = look->opens,
        .ready = look->marked,
        .building = look->building,
        .parent = parent_of(disk, parent, look),
        .snapshots = look->snaps > 0,
        .others_owner = look->owner && strcmp(look->owner, disk->owner) != 0,
        .watched = carry->watcher != NULL,
        .larger = disk->source != STORE_SOURCE_EXISTING && !disk->read_only &&
                  !disk->keep_size && !arrived && disk->size > look->size,
    };
}

/* Answers what the verdict wants to know, until it wants nothing more. */
static gboolean
decide(StoreCarry *carry,
       const StoreLook *look,
       StoreDo *ret_do,
       GError **error)
{
    const StoreDisk *disk = carry->disk;
    g_auto(StoreOrigin) origin = {0};
    g_autoptr(GError) why = NULL;
    const StoreParent *parent = wanted_parent(carry, look, &origin, &why);
    StoreDiskFacts facts;
    bool answer = false;

    collect(carry, parent, look, &facts);
    if (!facts.dead_builder)
        carry->settled = true;
    for (;;) {
        *ret_do = store_disk_verdict(&facts);
        if (*ret_do == STORE_DO_ASK_DATA) {
            if (!store_has_data(carry->conn, disk->pool, disk->image, &answer,
                                error))
                return FALSE;
            facts.data = answer ? STORE_YES : STORE_NO;
        } else if (*ret_do == STORE_DO_ASK_LISTED) {
            if (!store_is_listed(carry->conn, parent, disk->pool, look, &answer,
                                 error))
                return FALSE;
            facts.listed = answer ? STORE_YES : STORE_NO;
        } else if (*ret_do == STORE_DO_REFUSE_ODD && why) {
            /* It is not odd: whose clone it is to be is not known now. */
            g_propagate_error(error, g_steal_pointer(&why));
            return FALSE;
        } else {
            return TRUE;
        }
    }
}

/* ---- one disk ----------------------------------------------------------------------- */

/* Until the disk is whole, or there is a reason why not. */
static gboolean
make_ready(StoreCarry *carry, const char *id, GError **error)
{
    const StoreDisk *disk = carry->disk;
    bool done = false;

    if (carry->absent &&
        !store_carry_out(carry, STORE_DO_BUILD, NULL, &done, error))
        return FALSE;
    for (int i = 0; !done && i < PROVISION_TRIES; i++) {
        g_auto(StoreLook) look = {0};
        StoreDo what;

        if (!store_look(carry->conn, disk->pool, disk->image,
                        i == 0 && id[0] ? id : NULL, &look, error) ||
            !decide(carry, &look, &what, error) ||
            !store_carry_out(carry, what, &look, &done, error))
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

/* Of an image that is there. */
static gboolean
check_own_snapshot(StoreConn *conn,
                   const StoreDisk *disk,
                   StoreResult *result,
                   GError **error)
{
    bool there = false;

    if (!store_snap_find(conn, disk->pool, disk->image, disk->snap, &there,
                         &result->size, error))
        return FALSE;
    if (!there)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "image '%s/%s' has no snapshot '%s': name one that "
                            "it has (rbd snap ls %s/%s)",
                            disk->pool, disk->image, disk->snap, disk->pool,
                            disk->image);
    return TRUE;
}

/* Read-only use of an image that nobody clones: it only has to be there. */
static gboolean
check_read_only(StoreConn *conn,
                const StoreDisk *disk,
                StoreResult *result,
                GError **error)
{
    StoreCarry carry = {.conn = conn, .disk = disk, .result = result};

    if (disk->source == STORE_SOURCE_CLONE)
        return check_snapshot(conn, disk, result, error);
    return make_ready(&carry, "", error) &&
           (!disk->snap || check_own_snapshot(conn, disk, result, error));
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
    StoreCarry carry = {
        .conn = conn, .disk = disk, .result = result, .done = put_right};
    bool done;

    if (!store_look(conn, disk->pool, disk->image, NULL, &look, error))
        return FALSE;
    if (!look.there)
        return store_carry_out(&carry, STORE_DO_BUILD, NULL, &done, error);
    result->outcome = STORE_READY;
    result->size = look.size;
    return TRUE;
}

/* ---- under a claim ------------------------------------------------------------------- */

static gboolean
acquire(StoreConn *conn,
        const StoreDisk *disk,
        StoreClaim **ret_claim,
        StoreClaimTaken *ret_taken,
        GError **error)
{
    const StoreClaimAsk ask = {
        .pool = disk->pool,
        .image = disk->image,
        .domain = disk->owner,
        .starts = disk->starts,
        .arriving = disk->arriving,
        .builds = disk->source != STORE_SOURCE_EXISTING,
        .has_ended = disk->has_ended,
        .watchers = store_watchers_of,
        .let_go = store_has_let_go,
        .until_us = g_get_monotonic_time() + (gint64)disk->patience_ms * 1000,
    };

    return store_claim_acquire(conn, &ask, ret_claim, ret_taken, error);
}

/* Under whose claim a half-made image stands is all that shows whose it is. As
 * long as it could not be judged, the claim stays with it; so it does when what was
 * written may still arrive. */
static void
give_up(const StoreCarry *carry, StoreClaim *claim, const GError *why)
{
    if (!store_conn_may_write(carry->conn, why))
        store_claim_leave(claim);
    else if (carry->dead_builder && !carry->settled)
        store_claim_abandon(claim);
    else
        store_claim_drop(claim);
}

/* Why a disk that was found is told from one that we made: without a mark only
 * the claim can, and it may come to somebody else before the guest is there. */
static gboolean
make_ready_claimed(StoreCarry *carry, const char *id, GError **error)
{
    gboolean ready = make_ready(carry, id, error);
    GString *done = carry->done;

    if (done->len > 0)
        carry->result->recovered = g_strdup(done->str);
    return ready;
}

static void
note_taken(StoreCarry *carry, const StoreClaimTaken *taken)
{
    if (!taken->text)
        return;
    store_carry_note(carry, "took over the claim {%s}: %s", taken->text,
                     taken->proof);
    if (taken->cut_off && taken->cut_off->len > 0)
        store_carry_note(carry, "%s", taken->cut_off->str);
}

/* Holds the claim while the disk is made ready. */
static gboolean
provision_claimed(StoreConn *conn,
                  const StoreDisk *disk,
                  StoreResult *result,
                  GError **error)
{
    g_autoptr(GString) done = g_string_new(NULL);
    g_auto(StoreClaimTaken) taken = {0};
    g_autoptr(StorePeek) peek = store_peek_begin(conn, disk->pool, disk->image);
    StoreCarry carry = {
        .conn = conn, .disk = disk, .result = result, .done = done};
    g_autoptr(GError) why = NULL;
    char id[128] = "";

    if (!acquire(conn, disk, &result->claim, &taken, error))
        return FALSE;
    carry.claim = result->claim;
    carry.dead_builder = taken.text != NULL;
    carry.absent = !taken.text && !carry.claim->arrived &&
                   disk->source == STORE_SOURCE_CLONE &&
                   store_peek_finds_nothing(peek);
    (void)store_peek_id(peek, id, sizeof(id));
    note_taken(&carry, &taken);
    if (!make_ready_claimed(&carry, id, &why)) {
        give_up(&carry, g_steal_pointer(&result->claim), why);
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    if (is_gap(disk))
        store_claim_drop(g_steal_pointer(&result->claim));
    return TRUE;
}

static gboolean
provision_written(StoreConn *conn,
                  const StoreDisk *disk,
                  StoreResult *result,
                  GError **error)
{
    return STORE_FAULT("no-claims") < 0
               ? provision_carelessly(conn, disk, result, error)
               : provision_claimed(conn, disk, result, error);
}

/* Whether it is there, and whole, and no claim is on it: a dead builder's is to
 * be ended. If so there is nothing to claim. */
static gboolean
find_whole(StoreConn *conn,
           const StoreDisk *disk,
           StoreResult *result,
           bool *ret_whole,
           GError **error)
{
    g_auto(StoreLook) look = {0};
    g_auto(StoreClaimSeen) seen = {0};
    int r;

    if (!store_look(conn, disk->pool, disk->image, NULL, &look, error))
        return FALSE;
    r = store_claim_read(conn, disk->pool, disk->image, &seen);
    *ret_whole = look.there && look.opens && look.marked && r == -ENOENT;
    result->outcome = STORE_READY;
    result->size = look.size;
    return r >= 0 || r == -ENOENT ||
           store_fail(error, conn, r, "cannot read the claim on '%s/%s'",
                      disk->pool, disk->image);
}

static gboolean
provision_read(StoreConn *conn,
               const StoreDisk *disk,
               StoreResult *result,
               GError **error)
{
    bool whole = false;

    if (disk->source == STORE_SOURCE_EXISTING ||
        disk->source == STORE_SOURCE_CLONE)
        return check_read_only(conn, disk, result, error);
    if (!find_whole(conn, disk, result, &whole, error))
        return FALSE;
    return whole || provision_written(conn, disk, result, error);
}

gboolean
store_provision(StoreCluster *cluster,
                const StoreDisk *disk,
                StoreResult *ret_result,
                GError **error)
{
    g_autoptr(StoreConn) conn = NULL;
    StoreResult result = {0};
    bool far = store_parent_is_far(disk);
    StoreWork work = {.target = {disk->pool, disk->image,
                                 far ? NULL : disk->parent.pool,
                                 far ? NULL : disk->parent.image},
                      .owner = disk->owner,
                      .waiter = disk->waiter};
    gboolean ready;

    *ret_result = result;
    if (!store_stalls_admit(cluster, &work.target, error) ||
        !(conn = store_conn_acquire(cluster, error)))
        return FALSE;
    store_work_begin(cluster, &work);
    ready = disk->read_only ? provision_read(conn, disk, &result, error)
                            : provision_written(conn, disk, &result, error);
    store_work_end(cluster, &work);
    *ret_result = result;
    return ready;
}
