/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/facts.c - what there is to know before a claim is taken over
 *
 * A builder of this host is dead when the lock of its instance can be had; one of
 * another host when its claim did not change while it was watched for
 * STORE_DEAD_S of this process's own monotonic clock. Clocks of two hosts are
 * never compared. What was seen is kept from one request to the next.
 */
#include "config.h"

#include "agent/rbd/claim/facts.h"

#include "agent/rbd/claim/beat.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/own-dir.h"

#include <string.h>

#define OBSERVED_MAX 4096u

void
store_attempt_clear(StoreAttempt *attempt)
{
    store_claim_seen_clear(&attempt->seen);
    g_clear_pointer(&attempt->watchers, g_strfreev);
}

/* ---- how long a claim has stood still ----------------------------------------- */

typedef struct {
    char *value; /* text and beat */
    gint64 since_us;
} Observed;

static void
observed_free(gpointer opaque)
{
    Observed *observed = opaque;

    g_free(observed->value);
    g_free(observed);
}

typedef struct {
    GMutex lock;    /* guards the next */
    GHashTable *at; /* 'pool/image' -> Observed */
} Watched;

static void
watched_init(gpointer opaque)
{
    Watched *watched = opaque;

    g_mutex_init(&watched->lock);
    watched->at =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, observed_free);
}

static void
watched_clear(gpointer opaque)
{
    Watched *watched = opaque;

    g_mutex_clear(&watched->lock);
    g_hash_table_unref(watched->at);
}

static Watched *
watched_of(const StoreCluster *cluster)
{
    static const StorePart part = {sizeof(Watched), watched_init, NULL,
                                   watched_clear};

    return store_cluster_part(cluster, &part);
}

static gint64
unchanged_us(StoreCluster *cluster,
             const StoreClaimAsk *ask,
             const StoreClaimSeen *seen)
{
    g_autofree char *key = g_strdup_printf("%s/%s", ask->pool, ask->image);
    g_autofree char *value =
        g_strdup_printf("%s %s", seen->text, seen->beat ? seen->beat : "");
    Watched *watched = watched_of(cluster);
    gint64 now = g_get_monotonic_time();
    gint64 age = 0;

    g_mutex_lock(&watched->lock);
    Observed *known = g_hash_table_lookup(watched->at, key);
    if (known && strcmp(known->value, value) == 0) {
        age = now - known->since_us;
    } else {
        if (g_hash_table_size(watched->at) >= OBSERVED_MAX)
            g_hash_table_remove_all(watched->at);
        known = g_new0(Observed, 1);
        known->value = g_steal_pointer(&value);
        known->since_us = now;
        g_hash_table_replace(watched->at, g_steal_pointer(&key), known);
    }
    g_mutex_unlock(&watched->lock);
    return age;
}

/* ---- the facts ------------------------------------------------------------------ */

static StoreBuilder
builder_of(StoreConn *conn,
           const StoreClaimAsk *ask,
           const StoreClaimSeen *seen,
           bool *ret_not_handed)
{
    const char *instance = seen->record->instance;
    int handed_s = -1;

    *ret_not_handed = false;
    if (!instance)
        return STORE_BUILDER_DEAD; /* it was left so (store_claim_abandon) */
    if (strcmp(instance, conn->instance) == 0)
        return store_beat_has_other(conn->cluster, ask->pool, ask->image)
                   ? STORE_BUILDER_AT_WORK
                   : STORE_BUILDER_DEAD;
    switch (store_instance_look(store_own_dir(conn->cluster), instance,
                                ask->pool, ask->image, &handed_s)) {
    case STORE_INSTANCE_LIVE:
        return STORE_BUILDER_AT_WORK;
    case STORE_INSTANCE_DEAD:
        *ret_not_handed = handed_s < 0;
        return STORE_BUILDER_DEAD;
    case STORE_INSTANCE_UNKNOWN:
        break;
    }
    return unchanged_us(conn->cluster, ask, seen) >=
                   STORE_DEAD_S * G_USEC_PER_SEC
               ? STORE_BUILDER_SILENT
               : STORE_BUILDER_UNKNOWN;
}

static bool
is_builder(const StoreRecord *record, const char *addr)
{
    bool builds = record->phase == STORE_PHASE_BUILDING ||
                  record->phase == STORE_PHASE_OLD;

    if (builds && g_strcmp0(record->who.addr, addr) == 0)
        return true;
    for (guint i = 0; i < record->builders->len; i++)
        if (strcmp(g_ptr_array_index(record->builders, i), addr) == 0)
            return true;
    return false;
}

int
store_owed_at(const StoreRecord *record, const char *addr)
{
    for (guint i = 0; i < record->owed->len; i++) {
        const StoreGuest *guest = g_ptr_array_index(record->owed, i);

        if (g_strcmp0(guest->addr, addr) == 0)
            return (int)i;
    }
    return -1;
}

/* A guest that the claim owes is asked for first: it changes what is done. */
static StoreWatched
watched_by(const StoreConn *conn,
           const StoreRecord *record,
           char *const *watchers)
{
    StoreWatched most = STORE_WATCHED_BY_NOBODY;

    for (gsize i = 0; watchers[i]; i++) {
        if (store_owed_at(record, watchers[i]) >= 0)
            return STORE_WATCHED_BY_OWED;
        if (strcmp(watchers[i], conn->addr) == 0 ||
            is_builder(record, watchers[i]))
            continue;
        most = MAX(most, record->phase == STORE_PHASE_RUNNING &&
                                 g_strcmp0(record->who.addr, watchers[i]) == 0
                             ? STORE_WATCHED_BY_GUEST
                             : STORE_WATCHED_BY_OTHERS);
    }
    return most;
}

/* Only of a guest that has ended on this host it makes a difference. */
static bool
has_let_go(const StoreAttempt *attempt)
{
    const StoreClaimAsk *ask = attempt->ask;
    const StoreRecord *record = attempt->seen.record;
    const StoreTakeFacts *facts = &attempt->facts;

    return facts->phase == STORE_PHASE_RUNNING && facts->here &&
           facts->same_domain && facts->ended &&
           facts->watched == STORE_WATCHED_BY_NOBODY && record->who.addr &&
           ask->let_go(attempt->conn, ask->pool, ask->image, record->who.addr);
}

gboolean
store_attempt_collect(StoreAttempt *attempt, GError **error)
{
    const StoreConn *conn = attempt->conn;
    const StoreClaimAsk *ask = attempt->ask;
    const StoreRecord *record = attempt->seen.record;
    StoreTakeFacts *facts = &attempt->facts;

    g_clear_pointer(&attempt->watchers, g_strfreev);
    attempt->watchers =
        ask->watchers(attempt->conn, ask->pool, ask->image, error);
    if (!attempt->watchers)
        return FALSE;
    *facts = (StoreTakeFacts){
        .phase = record->phase,
        .watched = watched_by(conn, record, attempt->watchers),
        .here = store_place_same_host(&record->who.place, &conn->place),
        .this_boot = store_place_same_boot(&record->who.place, &conn->place),
        .same_domain = strcmp(record->who.domain, ask->domain) == 0,
        .ended = ask->starts && ask->has_ended && ask->has_ended(ask->domain),
        .starts = ask->starts,
        .arriving = ask->arriving,
        .has_arrival = record->arrival != NULL,
    };
    facts->let_go = has_let_go(attempt);
    if (record->arrival) {
        const StorePlace *place = &record->arrival->place;

        facts->arrival_here = store_place_same_host(place, &conn->place);
        facts->arrival_this_boot = store_place_same_boot(place, &conn->place);
    }
    if (record->phase == STORE_PHASE_BUILDING ||
        record->phase == STORE_PHASE_OLD)
        facts->builder =
            builder_of(attempt->conn, ask, &attempt->seen, &facts->not_handed);
    return TRUE;
}
