/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/tombstone.c - what is left of a claim whose holder was cut off
 *
 * As long as nobody has seen a guest's client, the claim has the address of its
 * host's agent in its place. To cut that off keeps the guest from nothing: such
 * an entry goes only with its whole host.
 */
#include "config.h"

#include "agent/rbd/claim/tombstone.h"

#include "agent/rbd/conn/address.h"

#include <string.h>

static bool
is_unseen(StorePhase phase)
{
    return phase == STORE_PHASE_HANDED || phase == STORE_PHASE_OLD;
}

/* ---- whom it names --------------------------------------------------------------- */

static void
named_free(gpointer data)
{
    StoreClaimNamed *named = data;

    g_free(named->host);
    g_free(named->addr);
    g_free(named);
}

static void
add_named(GPtrArray *list, const char *host, const char *addr, bool unseen)
{
    StoreClaimNamed *named = g_new0(StoreClaimNamed, 1);

    named->host = g_strdup(host);
    named->addr = g_strdup(addr);
    named->unseen = unseen;
    g_ptr_array_add(list, named);
}

/* What else has an address of its host is not known as a client. */
static void
add_guest(GPtrArray *list, const StoreGuest *guest, bool unseen)
{
    g_auto(GStrv) ips = g_strsplit(guest->ips ? guest->ips : "", " ", -1);

    add_named(list, guest->place.host, guest->addr, unseen);
    for (gsize i = 0; ips[i]; i++) {
        g_autofree char *addr = store_address_all_of(ips[i]);

        add_named(list, guest->place.host, addr, true);
    }
}

GPtrArray *
store_record_named(const StoreRecord *record)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(named_free);

    add_guest(list, &record->who, is_unseen(record->phase));
    if (record->arrival)
        add_guest(list, record->arrival, true);
    for (guint i = 0; i < record->owed->len; i++)
        add_guest(list, g_ptr_array_index(record->owed, i), false);
    for (guint i = 0; i < record->builders->len; i++)
        add_named(list, NULL, g_ptr_array_index(record->builders, i), false);
    return list;
}

/* ---- what becomes of it -------------------------------------------------------------- */

static bool
is_on_host(const StoreGuest *guest, const char *host)
{
    return host && g_strcmp0(guest->place.host, host) == 0;
}

static bool
is_holder(const StoreRecord *seen, const char *host, const char *addr)
{
    if (host)
        return is_on_host(&seen->who, host);
    return !is_unseen(seen->phase) && g_strcmp0(seen->who.addr, addr) == 0;
}

/* A client that has been cut off need not be any more. Of a host nobody knows
 * whether all that is listed was: those stay. */
static bool
shorten(StoreRecord *record, const char *addr)
{
    guint before = record->owed->len + record->builders->len;

    for (guint i = record->owed->len; i-- > 0;) {
        const StoreGuest *guest = g_ptr_array_index(record->owed, i);

        if (g_strcmp0(guest->addr, addr) == 0)
            g_ptr_array_remove_index(record->owed, i);
    }
    for (guint i = record->builders->len; i-- > 0;)
        if (g_strcmp0(g_ptr_array_index(record->builders, i), addr) == 0)
            g_ptr_array_remove_index(record->builders, i);
    return record->owed->len + record->builders->len < before;
}

/* A builder's says that it is dead, and whom to cut off; where the guest was on
 * its way to another host, that it is there; else it is a tombstone. Of a host
 * nobody may have been cut off: it was only said to be off. */
static void
bury_holder(StoreRecord *record, bool is_host)
{
    if (record->arrival) {
        g_autoptr(StoreGuest) there = g_steal_pointer(&record->arrival);

        if (is_host)
            g_ptr_array_add(record->owed, store_guest_copy(&record->who));
        store_guest_clear(&record->who);
        record->who = *there;
        *there = (StoreGuest){0};
        record->phase = STORE_PHASE_HANDED;
    } else if (record->phase == STORE_PHASE_BUILDING) {
        g_clear_pointer(&record->instance, g_free);
    } else {
        record->phase = STORE_PHASE_FENCED;
    }
}

StoreRecord *
store_tombstone_new(const StoreRecord *seen, const char *host, const char *addr)
{
    g_autoptr(StoreRecord) record = store_record_copy(seen);
    bool holder = is_holder(seen, host, addr);
    bool comes = seen->arrival && is_on_host(seen->arrival, host);
    bool shorter = !host && shorten(record, addr);

    if (!holder && !comes && !shorter)
        return NULL;
    /* There is no room for whom it would owe. */
    if (holder && host && seen->arrival &&
        seen->owed->len >= STORE_CLAIM_OWED_MAX)
        return NULL;
    record->since = g_get_real_time() / G_USEC_PER_SEC;
    if (comes)
        g_clear_pointer(&record->arrival, store_guest_free);
    if (holder)
        bury_holder(record, host != NULL);
    return g_steal_pointer(&record);
}

bool
store_tombstone_is_free(const StoreRecord *record)
{
    return record->phase == STORE_PHASE_FENCED ||
           (record->phase == STORE_PHASE_BUILDING && !record->instance);
}
