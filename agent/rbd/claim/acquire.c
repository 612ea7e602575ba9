/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/acquire.c - take a claim, or say who has it
 *
 * What may be done about a claim that is there is verdict.c's, by what facts.c
 * finds. Here it is done, by one operation that compares what was seen.
 */
#include "config.h"

#include "agent/rbd/claim/acquire.h"

#include "agent/rbd/claim/beat.h"
#include "agent/rbd/claim/cutoff.h"
#include "agent/rbd/claim/facts.h"
#include "agent/rbd/claim/release.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/names.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/conn/ways.h"

#include <errno.h>
#include <string.h>

#define TAKE_TRIES    3
#define LOOK_AGAIN_US (G_USEC_PER_SEC)
/* At what this host's own agent is about to settle. */
#define LOOK_SOON_US (G_USEC_PER_SEC / 4)

void
store_claim_taken_clear(StoreClaimTaken *taken)
{
    g_clear_pointer(&taken->text, g_free);
    g_clear_pointer(&taken->dead, g_free);
    if (taken->cut_off)
        g_string_free(taken->cut_off, TRUE);
    taken->cut_off = NULL;
}

/* ---- texts ---------------------------------------------------------------------- */

static StoreRecord *
building_new(StoreConn *conn, const StoreClaimAsk *ask)
{
    StoreRecord *record = store_record_new(STORE_PHASE_BUILDING);

    store_place_copy(&conn->place, &record->who.place);
    record->who.domain = g_strdup(ask->domain);
    record->who.addr = g_strdup(conn->addr);
    record->who.ips = store_ways(conn);
    record->instance = g_strdup(conn->instance);
    record->attach = !ask->starts;
    record->since = g_get_real_time() / G_USEC_PER_SEC;
    return record;
}

static void
add_builder(StoreRecord *record, const StoreConn *conn, const char *addr)
{
    if (!addr || strcmp(addr, conn->addr) == 0)
        return;
    for (guint i = 0; i < record->builders->len; i++)
        if (strcmp(g_ptr_array_index(record->builders, i), addr) == 0)
            return;
    g_ptr_array_add(record->builders, g_strdup(addr));
}

/* Whom the new one has to cut off, before anything is built. */
static void
inherit(StoreRecord *record, const StoreAttempt *attempt, StoreTake how)
{
    const StoreRecord *before = attempt->seen.record;

    for (guint i = 0; i < before->owed->len; i++)
        g_ptr_array_add(record->owed,
                        store_guest_copy(g_ptr_array_index(before->owed, i)));
    for (guint i = 0; i < before->builders->len; i++)
        add_builder(record, attempt->conn,
                    g_ptr_array_index(before->builders, i));
    if (before->who.addr && store_claim_owes(&attempt->facts, how))
        g_ptr_array_add(record->owed, store_guest_copy(&before->who));
    if (before->phase == STORE_PHASE_BUILDING ||
        before->phase == STORE_PHASE_OLD)
        add_builder(record, attempt->conn, before->who.addr);
}

/* What a guest may have had open is a disk, marked or not. */
static char *
adopted_by(const StoreTakeFacts *facts, const StoreRecord *before)
{
    bool built = facts->phase == STORE_PHASE_BUILDING ||
                 (facts->phase == STORE_PHASE_OLD && facts->not_handed);

    return built ? g_strdup(before->adopted) : g_strdup(STORE_ADOPTED_ANY);
}

/* The first of those whom it names, to be cut off by people. */
static const char *
first_named(const StoreRecord *record)
{
    const StoreGuest *guest =
        record->owed->len > 0 ? g_ptr_array_index(record->owed, 0) : NULL;

    if (guest && guest->addr)
        return guest->addr;
    return record->builders->len > 0 ? g_ptr_array_index(record->builders, 0)
                                     : "ADDRESS";
}

static gboolean
refuse_long(const StoreClaimAsk *ask, const StoreRecord *record, GError **error)
{
    return store_refuse(
        error, STORE_ERROR_BUSY,
        "the claim on '%s/%s' names more clients than can be "
        "kept, and none of them may be forgotten before it is "
        "cut off: see them with 'rados -p %s getxattr " STORE_CLAIM_PREFIX
        "%s remora.claim', and do that, as with 'remora fence "
        "--watcher %s'",
        ask->pool, ask->image, ask->pool, ask->image, first_named(record));
}

/* ---- refusals ------------------------------------------------------------------- */

static gboolean
refuse(const StoreAttempt *attempt, StoreTake take, GError **error)
{
    const StoreClaimAsk *ask = attempt->ask;
    const StoreRecord *record = attempt->seen.record;
    const char *host = store_known(record->who.place.host);
    const char *to;
    g_autofree char *next = NULL;

    switch (take) {
    case STORE_TAKE_REFUSE_BUILDING:
        next = g_strdup("it is at work on it: try again in a moment");
        break;
    case STORE_TAKE_REFUSE_HANDED:
        next = g_strdup_printf(
            "its guest may open it at any time, until that host says that it "
            "ended: see 'virsh domstate' there; if that host is dead for "
            "good, 'remora fence --host %s'",
            host);
        break;
    case STORE_TAKE_REFUSE_RUNNING:
        next = g_strdup_printf("its guest has it open as client '%s': stop "
                               "that guest first; if the client is dead its "
                               "watch ends within 60 s (rbd status %s/%s)",
                               store_known(record->who.addr), ask->pool,
                               ask->image);
        break;
    case STORE_TAKE_REFUSE_ARRIVAL:
        to = store_known(record->arrival->place.host);
        next = g_strdup_printf(
            "its migration to host '%s' has not come to its end: try again "
            "when it has; if that host is dead for good, 'remora fence --host "
            "%s'",
            to, to);
        break;
    case STORE_TAKE_REFUSE_OWN:
        next =
            g_strdup("the domain has it already, or is being given it: if it "
                     "was unplugged just now, try again in a moment");
        break;
    case STORE_TAKE_WAIT:
        next = record->phase == STORE_PHASE_HANDED
                   ? g_strdup("that host has not seen its guest run yet: try "
                              "again in a moment (remora status there)")
                   : g_strdup_printf("if that host is dead, try again in %d s",
                                     STORE_DEAD_S);
        break;
    case STORE_TAKE_DEAD:
    case STORE_TAKE_SILENT:
    case STORE_TAKE_PUT_BACK:
    case STORE_TAKE_ARRIVE:
        break;
    }
    return store_refuse(error, STORE_ERROR_BUSY,
                        "'%s/%s' is claimed by host '%s' for '%s': %s",
                        ask->pool, ask->image, host,
                        store_known(record->who.domain), next ? next : "");
}

/* ---- taking ---------------------------------------------------------------------- */

static StoreClaim *
claim_new(StoreConn *conn, const StoreClaimAsk *ask, char *text)
{
    StoreClaim *claim = g_new0(StoreClaim, 1);

    claim->conn = store_conn_ref(conn);
    claim->pool = g_strdup(ask->pool);
    claim->image = g_strdup(ask->image);
    claim->owner = g_strdup(ask->domain);
    claim->text = text;
    claim->record = store_record_parse(text);
    claim->arrived = claim->record->phase == STORE_PHASE_RUNNING;
    if (!claim->arrived)
        store_beat_add(claim);
    return claim;
}

static const char *
proof_of(const StoreTakeFacts *facts, StoreTake take)
{
    if (take == STORE_TAKE_SILENT)
        return facts->phase == STORE_PHASE_RUNNING
                   ? "nobody has the image open"
                   : "it did not change while it was watched for " //
                   G_STRINGIFY(STORE_DEAD_S) " s";
    if (facts->phase == STORE_PHASE_FENCED)
        return "an operator cut off who had it";
    if (facts->here && !facts->this_boot)
        return "this host has booted since";
    if (facts->phase == STORE_PHASE_BUILDING || facts->not_handed)
        return "its process on this host is dead, for its lock is free";
    return "its guest on this host has ended";
}

/* In the place of what was seen. *ret_claim stays NULL if it has changed. */
static gboolean
take(StoreAttempt *attempt,
     StoreTake how,
     StoreClaim **ret_claim,
     StoreClaimTaken *ret_taken,
     GError **error)
{
    StoreConn *conn = attempt->conn;
    const StoreClaimAsk *ask = attempt->ask;
    g_autoptr(StoreRecord) record = building_new(conn, ask);
    g_autofree char *text = NULL;
    int r;

    inherit(record, attempt, how);
    record->adopted = adopted_by(&attempt->facts, attempt->seen.record);
    if (record->owed->len > STORE_CLAIM_OWED_MAX ||
        record->builders->len > STORE_CLAIM_BUILDERS_MAX ||
        !(text = store_record_text(record)))
        return refuse_long(ask, record, error);
    r = store_claim_swap(conn, ask->pool, ask->image, &attempt->seen, text);
    if (r >= 0)
        r = STORE_FAULT("taken-over");
    if (r == -ECANCELED || r == -ENOENT)
        return TRUE;
    if (r < 0)
        return store_fail(error, conn, r, "cannot claim '%s/%s'", ask->pool,
                          ask->image);
    *ret_claim = claim_new(conn, ask, g_steal_pointer(&text));
    ret_taken->text = g_strdup(attempt->seen.text);
    ret_taken->proof = proof_of(&attempt->facts, how);
    if (how == STORE_TAKE_DEAD && attempt->facts.phase != STORE_PHASE_FENCED)
        ret_taken->dead = g_strdup(attempt->seen.record->who.addr);
    return TRUE;
}

/* The guest that a builder took it from is there again. The builder may write
 * no more, before its claim is the guest's. */
static gboolean
put_back(StoreAttempt *attempt, GError **error)
{
    StoreConn *conn = attempt->conn;
    const StoreClaimAsk *ask = attempt->ask;
    const StoreRecord *before = attempt->seen.record;
    g_autoptr(StoreRecord) record = store_record_copy(before);
    g_autofree char *text = NULL;
    int at = -1;
    int r;

    for (gsize i = 0; attempt->watchers[i] && at < 0; i++)
        at = store_owed_at(before, attempt->watchers[i]);
    g_return_val_if_fail(at >= 0, FALSE);
    if (!store_cut_off_builders(conn, before, error))
        return FALSE;
    store_guest_clear(&record->who);
    g_autoptr(StoreGuest) back =
        store_guest_copy(g_ptr_array_index(before->owed, (guint)at));
    record->who = *back;
    *back = (StoreGuest){0};
    record->phase = STORE_PHASE_RUNNING;
    g_clear_pointer(&record->instance, g_free);
    g_ptr_array_remove_index(record->owed, (guint)at);
    g_ptr_array_set_size(record->builders, 0);
    text = store_record_text(record);
    r = text ? store_claim_swap(conn, ask->pool, ask->image, &attempt->seen,
                                text)
             : -EINVAL;
    if (r < 0 && r != -ECANCELED && r != -ENOENT)
        return store_fail(error, conn, r,
                          "cannot put the claim on '%s/%s' back", ask->pool,
                          ask->image);
    return store_refuse(error, STORE_ERROR_BUSY,
                        "'%s/%s' is in use by client '%s' on host '%s' for "
                        "'%s', which was out of reach for a while: stop that "
                        "guest first",
                        ask->pool, ask->image, store_known(record->who.addr),
                        store_known(record->who.place.host),
                        store_known(record->who.domain));
}

static StoreGuest *
arrival_new(StoreConn *conn, const StoreClaimAsk *ask)
{
    StoreGuest *guest = g_new0(StoreGuest, 1);

    store_place_copy(&conn->place, &guest->place);
    guest->domain = g_strdup(ask->domain);
    guest->addr = g_strdup(conn->addr);
    guest->ips = store_ways(conn);
    return guest;
}

static gboolean
join(StoreAttempt *attempt, StoreClaim **ret_claim, GError **error)
{
    StoreConn *conn = attempt->conn;
    const StoreClaimAsk *ask = attempt->ask;
    g_autoptr(StoreRecord) record = store_record_copy(attempt->seen.record);
    g_autofree char *text = NULL;
    int r;

    store_guest_free(record->arrival);
    record->arrival = arrival_new(conn, ask);
    text = store_record_text(record);
    if (!text)
        return refuse_long(ask, record, error);
    r = store_claim_swap(conn, ask->pool, ask->image, &attempt->seen, text);
    if (r >= 0)
        r = STORE_FAULT("arriving");
    if (r == -ECANCELED || r == -ENOENT)
        return TRUE;
    if (r < 0)
        return store_fail(error, conn, r, "cannot claim '%s/%s'", ask->pool,
                          ask->image);
    *ret_claim = claim_new(conn, ask, g_steal_pointer(&text));
    return TRUE;
}

static gboolean
act(StoreAttempt *attempt,
    StoreTake what,
    StoreClaim **ret_claim,
    StoreClaimTaken *ret_taken,
    GError **error)
{
    switch (what) {
    case STORE_TAKE_DEAD:
    case STORE_TAKE_SILENT:
        return take(attempt, what, ret_claim, ret_taken, error);
    case STORE_TAKE_PUT_BACK:
        return put_back(attempt, error);
    case STORE_TAKE_ARRIVE:
        return join(attempt, ret_claim, error);
    case STORE_TAKE_WAIT:
    case STORE_TAKE_REFUSE_BUILDING:
    case STORE_TAKE_REFUSE_HANDED:
    case STORE_TAKE_REFUSE_RUNNING:
    case STORE_TAKE_REFUSE_ARRIVAL:
    case STORE_TAKE_REFUSE_OWN:
        break;
    }
    return refuse(attempt, what, error);
}

/* Whether what is there is the same as what was seen before. */
static bool
read_same(StoreAttempt *attempt, int *ret_r)
{
    g_auto(StoreClaimSeen) now = {0};
    bool same;

    *ret_r = store_claim_read(attempt->conn, attempt->ask->pool,
                              attempt->ask->image, &now);
    if (*ret_r < 0)
        return false;
    same = strcmp(now.text, attempt->seen.text) == 0 &&
           g_strcmp0(now.beat, attempt->seen.beat) == 0;
    store_claim_seen_clear(&attempt->seen);
    attempt->seen = now;
    now = (StoreClaimSeen){0};
    return same;
}

/* A disk that is plugged in again may have been unplugged just now: its claim goes
 * as soon as that is settled. One whose watch was never seen does not. */
static bool
may_pass(const StoreAttempt *attempt, StoreTake take)
{
    return take == STORE_TAKE_WAIT ||
           (take == STORE_TAKE_REFUSE_OWN &&
            attempt->seen.record->phase == STORE_PHASE_RUNNING);
}

/* false: there is no time for that. */
static bool
pause_before_look(const StoreClaimAsk *ask, StoreTake take)
{
    gint64 pause = take == STORE_TAKE_REFUSE_OWN ? LOOK_SOON_US : LOOK_AGAIN_US;

    if (g_get_monotonic_time() + pause > ask->until_us)
        return false;
    g_usleep((gulong)pause);
    return true;
}

/* Watches a builder of another host until it moves or can be taken for dead, the
 * claim of a guest that arrives until its host has seen it run, or that of the
 * domain itself, as long as the request may last: without an agent nobody could
 * watch it from one request to the next. */
static gboolean
decide(StoreAttempt *attempt, StoreTake *ret_take, GError **error)
{
    const StoreClaimAsk *ask = attempt->ask;
    bool builds;
    int r = 0;

    for (;;) {
        if (!store_attempt_collect(attempt, error))
            return FALSE;
        *ret_take = store_claim_may_take(&attempt->facts);
        if (!may_pass(attempt, *ret_take) || !pause_before_look(ask, *ret_take))
            return TRUE;
        builds = attempt->seen.record->phase == STORE_PHASE_BUILDING;
        if (!read_same(attempt, &r) && (r < 0 || builds))
            break;
    }
    /* It moved, so it is alive; or it is gone, and the caller looks again. */
    if (r >= 0)
        *ret_take = STORE_TAKE_REFUSE_BUILDING;
    else if (r == -ENOENT)
        *ret_take = STORE_TAKE_DEAD;
    else
        return store_fail(error, attempt->conn, r,
                          "cannot read the claim on '%s/%s'", ask->pool,
                          ask->image);
    return TRUE;
}

/* There is a claim. *ret_claim stays NULL if it is to be tried once more. */
static gboolean
take_over(StoreConn *conn,
          const StoreClaimAsk *ask,
          StoreClaim **ret_claim,
          StoreClaimTaken *ret_taken,
          GError **error)
{
    g_auto(StoreAttempt) attempt = {.conn = conn, .ask = ask};
    StoreTake what;
    int r = store_claim_read(conn, ask->pool, ask->image, &attempt.seen);

    if (r == -ENOENT)
        return TRUE;
    if (r == -EINVAL)
        return store_refuse(error, STORE_ERROR_REFUSED,
                            "the claim on '%s/%s' cannot be read, as one of a "
                            "later version: use that version on this host, "
                            "too (rados -p %s listxattr " STORE_CLAIM_PREFIX
                            "%s)",
                            ask->pool, ask->image, ask->pool, ask->image);
    if (r < 0)
        return store_fail(error, conn, r, "cannot read the claim on '%s/%s'",
                          ask->pool, ask->image);
    return decide(&attempt, &what, error) &&
           act(&attempt, what, ret_claim, ret_taken, error);
}

static gboolean
take_once(StoreConn *conn,
          const StoreClaimAsk *ask,
          StoreClaim **ret_claim,
          StoreClaimTaken *ret_taken,
          GError **error)
{
    g_autoptr(StoreRecord) record = building_new(conn, ask);
    g_autofree char *text = NULL;
    int r;

    /* What is there under the claim of one who makes nothing was there before. */
    record->adopted = ask->builds ? NULL : g_strdup(STORE_ADOPTED_ANY);
    text = store_record_text(record);

    store_instance_note(conn->file, "takes", ask->pool, ask->image,
                        ask->domain);
    r = STORE_FAULT("claim-noted");
    if (r >= 0)
        r = store_claim_create(conn, ask->pool, ask->image, text);
    if (r >= 0)
        r = STORE_FAULT("claim-created");
    if (r == -EEXIST)
        return take_over(conn, ask, ret_claim, ret_taken, error);
    if (r == -ENOENT)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "cluster '%s' has no pool '%s': check the pools "
                            "in remora.conf (ceph osd pool ls)",
                            store_cluster_name(conn->cluster), ask->pool);
    if (r < 0)
        return store_fail(error, conn, r, "cannot claim '%s/%s'", ask->pool,
                          ask->image);
    *ret_claim = claim_new(conn, ask, g_steal_pointer(&text));
    return TRUE;
}

/* Before the image is even looked at. What could not be cut off keeps the claim
 * standing: it says who has to be. */
static gboolean
finish(StoreClaim *claim, StoreClaimTaken *taken, GError **error)
{
    if (!taken->text || claim->arrived)
        return TRUE;
    taken->cut_off = g_string_new(NULL);
    if (store_cut_off_all(claim, taken->dead, taken->cut_off, error))
        return TRUE;
    store_claim_abandon(claim);
    return FALSE;
}

static gboolean
try_often(StoreConn *conn,
          const StoreClaimAsk *ask,
          StoreClaim **ret_claim,
          StoreClaimTaken *ret_taken,
          GError **error)
{
    for (int i = 0; i < TAKE_TRIES && !*ret_claim; i++)
        if (!take_once(conn, ask, ret_claim, ret_taken, error))
            return FALSE;
    return *ret_claim ||
           store_refuse(error, STORE_ERROR_BUSY,
                        "the claim on '%s/%s' changes hands all the time: "
                        "try again",
                        ask->pool, ask->image);
}

gboolean
store_claim_acquire(StoreConn *conn,
                    const StoreClaimAsk *ask,
                    StoreClaim **ret_claim,
                    StoreClaimTaken *ret_taken,
                    GError **error)
{
    StoreClaim *claim = NULL;

    /* Before the cluster can say yes, or another request of this process would
     * find a claim at which nobody seems to be. */
    store_beat_enter(conn->cluster, ask->pool, ask->image);
    if (!try_often(conn, ask, &claim, ret_taken, error)) {
        store_beat_exit(conn->cluster, ask->pool, ask->image);
        return FALSE;
    }
    /* From here on the claim keeps what was entered, until it is freed. */
    if (!finish(claim, ret_taken, error))
        return FALSE;
    *ret_claim = claim;
    return TRUE;
}
