/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store-hold.c - who may have the claim, and for how long
 *
 * A holder is dead in two cases only. On this host, when the lock of its
 * instance can be had. On another, when its claim did not change while this
 * process watched it for STORE_DEAD_S of its own monotonic clock; clocks of
 * two hosts are never compared. The watching goes on between requests, so
 * nobody waits for it: a request is refused, and one 20 s later succeeds.
 */
#include "config.h"

#include "agent/rbd/store-fault.h"
#include "agent/rbd/store-internal.h"

#include <errno.h>
#include <string.h>

#define OBSERVED_MAX 4096u
#define TAKE_TRIES   3

/* So long after it was taken a claim is ours whatever happened meanwhile: it
 * may be taken over after STORE_DEAD_S, and what was asked is answered well
 * within the rest. */
#define SURE_US (STORE_DEAD_S * G_USEC_PER_SEC / 2)

typedef struct {
    char *value; /* holder and beat */
    gint64 since_us;
} Observed;

static void
observed_free(gpointer opaque)
{
    Observed *observed = opaque;

    g_free(observed->value);
    g_free(observed);
}

/* How long this claim has been seen to stand exactly so. */
static gint64
unchanged_us(StoreCluster *cluster,
             const StoreDisk *disk,
             const StoreClaimSeen *seen)
{
    g_autofree char *key = g_strdup_printf("%s/%s", disk->pool, disk->image);
    g_autofree char *value = g_strdup_printf("%s %s", seen->holder, seen->beat);
    gint64 now = g_get_monotonic_time();
    gint64 age = 0;

    g_mutex_lock(&cluster->lock);
    if (!cluster->observed)
        cluster->observed = g_hash_table_new_full(g_str_hash, g_str_equal,
                                                  g_free, observed_free);
    Observed *known = g_hash_table_lookup(cluster->observed, key);
    if (known && strcmp(known->value, value) == 0) {
        age = now - known->since_us;
    } else {
        if (g_hash_table_size(cluster->observed) >= OBSERVED_MAX)
            g_hash_table_remove_all(cluster->observed);
        known = g_new0(Observed, 1);
        known->value = g_steal_pointer(&value);
        known->since_us = now;
        g_hash_table_replace(cluster->observed, g_steal_pointer(&key), known);
    }
    g_mutex_unlock(&cluster->lock);
    return age;
}

static gboolean
refuse_held(const StoreDisk *disk, const StoreClaimSeen *seen, GError **error)
{
    g_autofree char *host = store_holder_field(seen->holder, "host");
    g_autofree char *owner = store_holder_field(seen->holder, "owner");

    return store_refuse(error, STORE_ERROR_BUSY,
                        "'%s/%s' is claimed by host '%s' for '%s': if that "
                        "host is dead, try again in %d s",
                        disk->pool, disk->image, host, owner, STORE_DEAD_S);
}

void
store_taken_clear(StoreTaken *taken)
{
    g_clear_pointer(&taken->holder, g_free);
    g_clear_pointer(&taken->adopted, g_free);
}

/* Why the holder's claim may be taken over; NULL: it may not. */
static const char *
may_take(StoreConn *conn,
         const StoreDisk *disk,
         const StoreClaimSeen *seen,
         bool *ret_observed)
{
    g_autofree char *instance = store_holder_field(seen->holder, "instance");
    g_autofree char *owner = store_holder_field(seen->holder, "owner");
    int handed_s;
    bool same_owner = strcmp(owner, disk->owner) == 0;

    *ret_observed = false;

    /* The same owner again, by this very instance, and nobody is at work on it:
     * its last start or attach came to nothing and nobody told us. */
    if (strcmp(instance, conn->instance) == 0)
        return same_owner && !store_work_by_others(conn->cluster, disk)
                   ? "an earlier start of the same domain by this "
                     "agent came to nothing"
                   : NULL;
    switch (store_instance_look(conn->cluster->run_dir, instance, disk->pool,
                                disk->image, &handed_s)) {
    case STORE_INSTANCE_LIVE:
        return NULL;
    case STORE_INSTANCE_DEAD:
        return same_owner || handed_s < 0 || handed_s >= STORE_DEAD_S
                   ? "its process on this host is dead, for its lock is free"
                   : NULL;
    case STORE_INSTANCE_UNKNOWN:
        break;
    }
    *ret_observed = true;
    return unchanged_us(conn->cluster, disk, seen) >=
                   STORE_DEAD_S * G_USEC_PER_SEC
               ? "it did not change while it was watched for " G_STRINGIFY(
                     STORE_DEAD_S) " s"
               : NULL;
}

static StoreClaim *
claim_new(StoreConn *conn, const StoreDisk *disk, char *holder, gint64 since_us)
{
    StoreClaim *claim = g_new0(StoreClaim, 1);

    claim->conn = store_conn_ref(conn);
    claim->pool = g_strdup(disk->pool);
    claim->image = g_strdup(disk->image);
    claim->owner = g_strdup(disk->owner);
    claim->holder = holder;
    claim->since_us = since_us;
    store_heart_add(claim);
    return claim;
}

/* Whatever a fault point says: the claim may be there, and nobody has it. */
static int
unless_fault(int fault, char **holder)
{
    if (fault < 0)
        g_clear_pointer(holder, g_free);
    return fault;
}

static int
create(StoreConn *conn, const StoreDisk *disk, char **ret_holder)
{
    int r = store_claim_create(conn, disk->pool, disk->image, disk->owner,
                               ret_holder);

    return r < 0 ? r : unless_fault(STORE_FAULT("claim-created"), ret_holder);
}

static int
take_over(StoreConn *conn,
          const StoreDisk *disk,
          const StoreClaimSeen *seen,
          bool silent,
          char **ret_holder)
{
    int r = store_claim_take_over(conn, disk->pool, disk->image, disk->owner,
                                  seen, silent, ret_holder);

    return r < 0 ? r : unless_fault(STORE_FAULT("taken-over"), ret_holder);
}

static gboolean
take_once(StoreConn *conn,
          const StoreDisk *disk,
          StoreClaim **ret_claim,
          StoreTaken *ret_taken,
          GError **error)
{
    g_auto(StoreClaimSeen) seen = {0};
    const char *proof = NULL;
    bool observed = false;
    gint64 start = store_boot_us();
    char *holder = NULL;
    int r;

    store_instance_note(conn, "takes", disk->pool, disk->image, disk->owner);
    r = STORE_FAULT("claim-noted");
    if (r >= 0)
        r = create(conn, disk, &holder);
    if (r == -EEXIST) {
        r = store_claim_read(conn, disk->pool, disk->image, &seen);
        if (r == -ENOENT)
            return TRUE; /* gone meanwhile: once more */
        if (r >= 0)
            proof = may_take(conn, disk, &seen, &observed);
        if (r >= 0 && !proof)
            return refuse_held(disk, &seen, error);
        if (r >= 0)
            r = take_over(conn, disk, &seen, observed, &holder);
        if (r == -ECANCELED || r == -ENOENT)
            return TRUE; /* changed meanwhile: once more */
        if (r >= 0)
            *ret_taken = (StoreTaken){g_strdup(seen.holder), proof, observed,
                                      g_steal_pointer(&seen.adopted)};
    }
    if (r == -ENOENT)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "cluster '%s' has no pool '%s': check the pools "
                            "in remora.conf (ceph osd pool ls)",
                            conn->cluster->name, disk->pool);
    if (r < 0)
        return store_fail(error, conn, r, "cannot claim '%s/%s'", disk->pool,
                          disk->image);
    *ret_claim = claim_new(conn, disk, holder, start);
    return TRUE;
}

gboolean
store_hold(StoreConn *conn,
           const StoreDisk *disk,
           StoreClaim **ret_claim,
           StoreTaken *ret_taken,
           GError **error)
{
    for (int i = 0; i < TAKE_TRIES; i++) {
        if (!take_once(conn, disk, ret_claim, ret_taken, error))
            return FALSE;
        if (*ret_claim)
            return TRUE;
    }
    return store_refuse(error, STORE_ERROR_BUSY,
                        "the claim on '%s/%s' changes hands all the time: "
                        "try again",
                        disk->pool, disk->image);
}

static guint64
next_beat(StoreClaim *claim)
{
    StoreCluster *cluster = claim->conn->cluster;
    guint64 beat;

    g_mutex_lock(&cluster->lock);
    beat = ++claim->beat;
    g_mutex_unlock(&cluster->lock);
    return beat;
}

/* Nobody touches it any more, whatever it says now. */
static gboolean
check_connection(const StoreClaim *claim, GError **error)
{
    if (!g_atomic_int_get(&claim->conn->retired))
        return TRUE;
    return store_refuse(error, STORE_ERROR_DOWN,
                        "the connection that holds the claim on '%s/%s' was "
                        "lost meanwhile: try again",
                        claim->pool, claim->image);
}

gboolean
store_claim_confirm(StoreClaim *claim, GError **error)
{
    int r;

    if (!check_connection(claim, error))
        return FALSE;
    if (store_boot_us() - claim->since_us < SURE_US)
        return TRUE;
    r = store_claim_touch(claim->conn, claim->pool, claim->image, claim->holder,
                          next_beat(claim));
    if (r >= 0)
        r = STORE_FAULT("confirming");
    if (r == -ECANCELED || r == -ENOENT)
        return store_refuse(error, STORE_ERROR_BUSY,
                            "the claim on '%s/%s' was lost, because it could "
                            "not be touched for %d s: see that no other host "
                            "has the disk, then try again",
                            claim->pool, claim->image, STORE_DEAD_S);
    if (r < 0)
        return store_fail(error, claim->conn, r,
                          "cannot confirm the claim on '%s/%s'", claim->pool,
                          claim->image);
    return check_connection(claim, error);
}

void
store_claim_hand(StoreClaim *claim)
{
    if (STORE_FAULT("handing") < 0)
        return;
    store_instance_note(claim->conn, "handed", claim->pool, claim->image,
                        claim->owner);
    (void)STORE_FAULT("handed");
}

const char *
store_claim_pool(const StoreClaim *claim)
{
    return claim->pool;
}

const char *
store_claim_image(const StoreClaim *claim)
{
    return claim->image;
}
