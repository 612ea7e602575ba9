/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/settle.c - a guest's claim follows what its guest does
 *
 * The facts are collected here, ending.c says what follows from them, and it
 * is done by one operation that compares what the claim said before.
 */
#include "config.h"

#include "agent/rbd/claim/settle.h"

#include "agent/rbd/claim/claim.h"
#include "agent/rbd/claim/cutoff.h"
#include "agent/rbd/claim/ending.h"
#include "agent/rbd/claim/facts.h"
#include "agent/rbd/conn/address.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/fence.h"
#include "agent/rbd/conn/own-dir.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/conn/ways.h"

#include <errno.h>
#include <string.h>

/* For how long the client of an unplugged disk is cut off: longer than QEMU may
 * take to close it. */
#define UNPLUGGED_S (24u * 3600u)

typedef struct {
    StoreConn *conn;
    const char *pool;
    const char *image;
    const StoreClaimSeen *seen;
    const StoreRecord *record; /* NULL: there is no claim */
    const StoreGuestNow *now;
    char *const *watchers;
    StoreLetGo let_go;
    StoreNote *note;  /* what this host remembers of it, or NULL */
    const char *only; /* the only watcher that no record names, or NULL */
    StoreEndFacts facts;
} Settle;

/* ---- the facts ------------------------------------------------------------------ */

/* The watches that the claim accounts for. */
static bool
is_recorded(const StoreRecord *record, const char *addr)
{
    return record && record->phase == STORE_PHASE_RUNNING &&
           g_strcmp0(record->who.addr, addr) == 0;
}

static bool
is_of_this_host(const StoreConn *conn, const char *addr)
{
    return store_address_same_ip(addr, conn->addr) ||
           store_address_is_local(addr);
}

/* Whoever it is has been cut off before anything follows from that. */
static bool
is_owed(const StoreRecord *record, const char *addr)
{
    return record && store_owed_at(record, addr) >= 0;
}

static void
count_watchers(Settle *settle)
{
    const char *only = NULL;
    guint others = 0;

    for (gsize i = 0; settle->watchers[i]; i++) {
        const char *addr = settle->watchers[i];

        if (strcmp(addr, settle->conn->addr) == 0 ||
            is_owed(settle->record, addr))
            continue;
        settle->facts.watched = true;
        if (is_recorded(settle->record, addr)) {
            settle->facts.watch_is_there = true;
        } else {
            only = addr;
            others++;
        }
    }
    if (others == 1 && is_of_this_host(settle->conn, only)) {
        settle->only = only;
        settle->facts.one_is_ours = true;
    }
}

/* One of version 0.1 does not say where it is from, but its process's file on
 * this host does. */
static bool
is_old_of_here(const Settle *settle)
{
    int handed_s;

    return settle->record->phase == STORE_PHASE_OLD &&
           settle->record->instance &&
           store_instance_look(store_own_dir(settle->conn->cluster),
                               settle->record->instance, settle->pool,
                               settle->image, &handed_s) == STORE_INSTANCE_DEAD;
}

static void
place_facts(Settle *settle)
{
    const StorePlace *us = &settle->conn->place;
    const StoreRecord *record = settle->record;
    StoreEndFacts *facts = &settle->facts;
    bool old = is_old_of_here(settle);

    facts->phase = record->phase;
    facts->attach = record->attach;
    facts->same_domain = strcmp(record->who.domain, settle->now->domain) == 0;
    facts->here = old || store_place_same_host(&record->who.place, us);
    facts->this_boot = old || store_place_same_boot(&record->who.place, us);
    facts->has_arrival = record->arrival != NULL;
    if (!record->arrival)
        return;
    facts->arrival_here = store_place_same_host(&record->arrival->place, us);
    facts->arrival_this_boot =
        store_place_same_boot(&record->arrival->place, us);
    if (facts->arrival_here && !facts->here)
        facts->same_domain =
            strcmp(record->arrival->domain, settle->now->domain) == 0;
}

/* Whether what this host remembers of the image is of this domain: another one
 * may have asked for it in vain. */
static bool
is_noted(const Settle *settle)
{
    return settle->note &&
           strcmp(settle->note->owner, settle->now->domain) == 0;
}

/* Asked only where it may make a difference. */
static bool
has_let_go(const Settle *settle)
{
    const StoreEndFacts *facts = &settle->facts;

    return facts->phase == STORE_PHASE_RUNNING && facts->here &&
           facts->this_boot && facts->guest == STORE_GUEST_ENDED &&
           !facts->watch_is_there &&
           settle->let_go(settle->conn, settle->pool, settle->image,
                          settle->record->who.addr);
}

static void
collect(Settle *settle)
{
    const StoreGuestNow *now = settle->now;

    settle->facts = (StoreEndFacts){
        .phase = STORE_PHASE_NONE,
        .guest = now->state,
        .plugged = now->plugged,
        .shared = now->shared,
        .call_over = now->call_over,
        .handed = settle->note && settle->note->handed && is_noted(settle),
        .this_boot = true,
    };
    count_watchers(settle);
    if (settle->record)
        place_facts(settle);
    settle->facts.let_go = has_let_go(settle);
}

/* ---- what is done ----------------------------------------------------------------- */

static void
note(const Settle *settle, const char *verb)
{
    store_instance_note(settle->conn->file, verb, settle->pool, settle->image,
                        settle->now->domain);
}

static StoreRecord *
running_new(const Settle *settle)
{
    StoreRecord *record = store_record_new(STORE_PHASE_RUNNING);

    store_place_copy(&settle->conn->place, &record->who.place);
    record->who.domain = g_strdup(settle->now->domain);
    record->who.addr = g_strdup(settle->only);
    record->who.ips = store_ways(settle->conn);
    record->since = g_get_real_time() / G_USEC_PER_SEC;
    return record;
}

/* Which of the two is the guest's, nobody can know for sure: the one before may
 * only be out of reach. It stays in the claim, and is cut off with the other. NULL:
 * there is no room for it. */
static StoreRecord *
running_by_another(const Settle *settle)
{
    const StoreRecord *before = settle->record;
    StoreRecord *record;

    if (before->owed->len >= STORE_CLAIM_OWED_MAX)
        return NULL;
    record = running_new(settle);
    for (guint i = 0; i < before->owed->len; i++)
        g_ptr_array_add(record->owed,
                        store_guest_copy(g_ptr_array_index(before->owed, i)));
    g_ptr_array_add(record->owed, store_guest_copy(&before->who));
    return record;
}

/* Handed to this host's agent again, as if it had been from the first. */
static StoreRecord *
promoted_new(const Settle *settle)
{
    StoreRecord *record = store_record_new(STORE_PHASE_HANDED);
    g_autoptr(StoreGuest) guest = store_guest_copy(settle->record->arrival);

    record->who = *guest;
    *guest = (StoreGuest){0};
    record->since = g_get_real_time() / G_USEC_PER_SEC;
    return record;
}

static StoreRecord *
without_arrival(const Settle *settle)
{
    StoreRecord *record = store_record_copy(settle->record);

    g_clear_pointer(&record->arrival, store_guest_free);
    return record;
}

/* Takes record over; gives librados' number. */
static int
write_record(const Settle *settle, StoreRecord *record)
{
    g_autoptr(StoreRecord) owned = record;
    g_autofree char *text = owned ? store_record_text(owned) : NULL;

    if (!text)
        return -EINVAL;
    return settle->record ? store_claim_swap(settle->conn, settle->pool,
                                             settle->image, settle->seen, text)
                          : store_claim_create(settle->conn, settle->pool,
                                               settle->image, text);
}

static int
remove_claim(const Settle *settle)
{
    int r = STORE_FAULT("claim-dropping");

    if (r >= 0)
        r = store_claim_remove(settle->conn, settle->pool, settle->image,
                               settle->seen);
    return r >= 0 ? STORE_FAULT("claim-dropped") : r;
}

/* The recorded guest, which is proved dead. */
static gboolean
cut_off_guest(const Settle *settle, GError **error)
{
    return store_fence(settle->conn, settle->record->who.addr, 0, error);
}

/* The client of one disk, which QEMU closes, or is about to: of a guest that
 * goes on. Not for years, for disks come and go every day. */
static gboolean
cut_off_unplugged(const Settle *settle, GError **error)
{
    return store_fence(settle->conn, settle->record->who.addr, UNPLUGGED_S,
                       error);
}

/* Who came here goes on; where it came from may come back, as its host was cut
 * off, so it is cut off for good. */
static gboolean
cut_off_source(const Settle *settle, GError **error)
{
    bool arrived = settle->record && settle->record->arrival &&
                   settle->facts.arrival_here && !settle->facts.here;

    return !arrived || store_fence(settle->conn, settle->record->who.addr,
                                   STORE_CUT_OFF_S, error);
}

/* For how long: an earlier client of this very guest writes no more than that one
 * does. */
static guint
owed_for(const Settle *settle, const StoreGuest *guest)
{
    if (!store_place_same_host(&guest->place, &settle->conn->place) ||
        g_strcmp0(guest->domain, settle->now->domain) != 0)
        return STORE_CUT_OFF_S;
    return settle->facts.guest == STORE_GUEST_ENDED ? 0 : UNPLUGGED_S;
}

/* Whether what follows says no more whom the claim owes. */
static bool
forgets_owed(const Settle *settle, StoreEnd end)
{
    return settle->record && end != STORE_END_KEEP &&
           end != STORE_END_DESTROY && end != STORE_END_FORGET_ARRIVAL &&
           end != STORE_END_NOTE_OTHER;
}

/* Who is in a tombstone need not have been cut off, if his host was only said to
 * be off, or has been let in again since. */
static bool
owes_holder(const Settle *settle)
{
    return settle->facts.phase == STORE_PHASE_FENCED && settle->facts.this_boot;
}

static gboolean
cut_off_owed(const Settle *settle, StoreEnd end, GError **error)
{
    const GPtrArray *owed =
        forgets_owed(settle, end) ? settle->record->owed : NULL;

    if (owed && owes_holder(settle) &&
        !store_cut_off_owed(settle->conn, &settle->record->who,
                            owed_for(settle, &settle->record->who), error))
        return FALSE;
    for (guint i = 0; owed && i < owed->len; i++) {
        const StoreGuest *guest = g_ptr_array_index(owed, i);

        if (!store_cut_off_owed(settle->conn, guest, owed_for(settle, guest),
                                error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
act(Settle *settle, StoreEnd end, int *ret_r, GError **error)
{
    bool dead = settle->facts.guest == STORE_GUEST_ENDED;

    if (!cut_off_owed(settle, end, error))
        return FALSE;
    switch (end) {
    case STORE_END_NOTE_WATCH:
        if (!cut_off_source(settle, error))
            return FALSE;
        *ret_r = write_record(settle, running_new(settle));
        break;
    case STORE_END_NOTE_OTHER:
        *ret_r = write_record(settle, running_by_another(settle));
        break;
    case STORE_END_CREATE:
        note(settle, "takes");
        *ret_r = write_record(settle, running_new(settle));
        break;
    case STORE_END_CUT_DROP:
        if (dead ? !cut_off_guest(settle, error)
                 : !cut_off_unplugged(settle, error))
            return FALSE;
        *ret_r = remove_claim(settle);
        break;
    case STORE_END_DROP:
        *ret_r = remove_claim(settle);
        break;
    case STORE_END_CUT_PROMOTE:
        if (!cut_off_guest(settle, error))
            return FALSE;
        *ret_r = write_record(settle, promoted_new(settle));
        break;
    case STORE_END_PROMOTE:
        *ret_r = write_record(settle, promoted_new(settle));
        break;
    case STORE_END_FORGET_ARRIVAL:
        *ret_r = write_record(settle, without_arrival(settle));
        break;
    case STORE_END_KEEP:
    case STORE_END_DESTROY:
        *ret_r = 0;
        break;
    }
    return TRUE;
}

/* ---- and what that means ------------------------------------------------------------ */

static StoreSettled
outcome(const Settle *settle, StoreEnd end)
{
    switch (end) {
    case STORE_END_NOTE_WATCH:
    case STORE_END_NOTE_OTHER:
    case STORE_END_CREATE:
        return STORE_SETTLED_RUNNING;
    case STORE_END_DROP:
    case STORE_END_CUT_DROP:
    case STORE_END_PROMOTE:
    case STORE_END_CUT_PROMOTE:
    case STORE_END_FORGET_ARRIVAL:
        return STORE_SETTLED_DROPPED;
    case STORE_END_DESTROY:
        return STORE_SETTLED_CUT_OFF;
    case STORE_END_KEEP:
        break;
    }
    return store_claim_kept(&settle->facts);
}

static char *
text_of(const Settle *settle, StoreEnd end)
{
    switch (end) {
    case STORE_END_NOTE_WATCH:
    case STORE_END_NOTE_OTHER:
    case STORE_END_CREATE:
        return g_strdup_printf("its guest has '%s/%s' open as client '%s'",
                               settle->pool, settle->image, settle->only);
    case STORE_END_CUT_DROP:
        return g_strdup_printf("the claim on '%s/%s' is gone, and its client "
                               "'%s' is cut off",
                               settle->pool, settle->image,
                               settle->record->who.addr);
    case STORE_END_DROP:
        return g_strdup_printf("the claim on '%s/%s' is gone", settle->pool,
                               settle->image);
    case STORE_END_PROMOTE:
    case STORE_END_CUT_PROMOTE:
        return g_strdup_printf("'%s/%s' is the guest's on host '%s' now",
                               settle->pool, settle->image,
                               settle->record->arrival->place.host);
    case STORE_END_FORGET_ARRIVAL:
        return g_strdup_printf("'%s/%s' stays where the guest came from",
                               settle->pool, settle->image);
    case STORE_END_KEEP:
    case STORE_END_DESTROY:
        break;
    }
    return NULL;
}

/* What this host need not remember any more, and what it has to. */
static void
write_note(const Settle *settle, StoreSettled settled)
{
    if (settled == STORE_SETTLED_DROPPED ||
        (settled == STORE_SETTLED_NONE && is_noted(settle)))
        note(settle, "dropped");
    else if (settled == STORE_SETTLED_RUNNING && settle->only &&
             settle->facts.phase != STORE_PHASE_RUNNING)
        store_instance_note_watch(settle->conn->file, settle->pool,
                                  settle->image, settle->now->domain,
                                  settle->only);
}

gboolean
store_claim_settle(StoreConn *conn,
                   const char *pool,
                   const char *image,
                   const StoreClaimSeen *seen,
                   const StoreGuestNow *now,
                   char *const *watchers,
                   StoreLetGo let_go,
                   StoreSettled *ret_settled,
                   char **ret_text,
                   GError **error)
{
    Settle settle = {.conn = conn,
                     .pool = pool,
                     .image = image,
                     .seen = seen,
                     .record = seen->record,
                     .now = now,
                     .watchers = watchers,
                     .let_go = let_go};
    g_autoptr(StoreNote) remembered =
        store_instance_find_note(store_own_dir(conn->cluster), pool, image);
    StoreEnd end;
    int r = 0;

    settle.note = remembered;
    collect(&settle);
    end = store_claim_end(&settle.facts);
    if (!act(&settle, end, &r, error))
        return FALSE;
    *ret_settled = STORE_SETTLED_WAITING;
    *ret_text = NULL;
    if (r == -ECANCELED || r == -ENOENT || r == -EEXIST)
        return TRUE; /* somebody was faster: it is looked at again */
    if (r < 0)
        return store_fail(error, conn, r, "cannot change the claim on '%s/%s'",
                          pool, image);
    *ret_settled = outcome(&settle, end);
    *ret_text = text_of(&settle, end);
    write_note(&settle, *ret_settled);
    return TRUE;
}
