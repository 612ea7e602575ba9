/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/release.c - a claim is handed to its guest, or given up
 *
 * Handed before the answer leaves that lets the guest start: from then on a
 * QEMU may come that nobody has seen. If the claim is not ours any more, the
 * change says so, and the answer is no.
 *
 * Before the removal the claim is noted as one that nobody uses, and only
 * after it as gone: a kill between the two leaves a claim that whoever comes
 * next may take at once, because the note proves that its holder is dead.
 */
#include "config.h"

#include "agent/rbd/claim/release.h"

#include "agent/rbd/claim/beat.h"
#include "agent/rbd/claim/object.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"

#include <errno.h>
#include <string.h>

static void
claim_free(StoreClaim *claim)
{
    store_beat_exit(claim->conn->cluster, claim->pool, claim->image);
    store_conn_unref(claim->conn);
    g_free(claim->pool);
    g_free(claim->image);
    g_free(claim->owner);
    g_free(claim->text);
    store_record_free(claim->record);
    g_free(claim);
}

void
store_claim_leave(StoreClaim *claim)
{
    if (!claim)
        return;
    (void)store_beat_remove(claim);
    claim_free(claim);
}

/* Takes record over. */
static void
set_record(StoreClaim *claim, StoreRecord *record, char *text)
{
    g_free(claim->text);
    claim->text = text;
    store_record_free(claim->record);
    claim->record = record;
}

/* Writes record in the place of what the claim says; takes it over. Gives
 * librados' number. */
static int
change(StoreClaim *claim, StoreRecord *record)
{
    char *text = store_record_text(record);
    int r = text ? store_claim_change(claim->conn, claim->pool, claim->image,
                                      claim->text, text)
                 : -EINVAL;

    if (r >= 0) {
        set_record(claim, record, text);
        return r;
    }
    store_record_free(record);
    g_free(text);
    return r;
}

static gboolean
refuse_change(StoreClaim *claim, int r, GError **error)
{
    if (r == -ECANCELED || r == -ENOENT)
        return store_refuse(error, STORE_ERROR_BUSY,
                            "the claim on '%s/%s' was lost, because it could "
                            "not be touched for %d s: see that no other host "
                            "has the disk, then try again",
                            claim->pool, claim->image, STORE_DEAD_S);
    return store_fail(error, claim->conn, r,
                      "cannot confirm the claim on "
                      "'%s/%s'",
                      claim->pool, claim->image);
}

gboolean
store_claim_adopt(StoreClaim *claim, const char *id, GError **error)
{
    StoreRecord *record;
    int r;

    if (claim->arrived || store_claim_has_adopted(claim, id))
        return TRUE;
    record = store_record_copy(claim->record);
    g_free(record->adopted);
    record->adopted = g_strdup(id);
    /* No touch may be under way that compares the text before. */
    (void)store_beat_remove(claim);
    r = change(claim, record);
    store_beat_add(claim);
    if (r >= 0)
        r = STORE_FAULT("adopted");
    return r >= 0 || refuse_change(claim, r, error);
}

bool
store_claim_has_adopted(const StoreClaim *claim, const char *id)
{
    const char *adopted = claim->record->adopted;

    return adopted && (strcmp(adopted, STORE_ADOPTED_ANY) == 0 ||
                       strcmp(adopted, id) == 0);
}

gboolean
store_claim_hand(StoreClaim *claim, GError **error)
{
    StoreRecord *record;
    int r;

    if (store_conn_is_retired(claim->conn))
        return store_refuse(error, STORE_ERROR_DOWN,
                            "the connection that holds the claim on '%s/%s' "
                            "was lost meanwhile: try again",
                            claim->pool, claim->image);
    if (!claim->arrived) {
        record = store_record_copy(claim->record);
        record->phase = STORE_PHASE_HANDED;
        record->since = g_get_real_time() / G_USEC_PER_SEC;
        g_clear_pointer(&record->adopted, g_free);
        g_ptr_array_set_size(record->owed, 0);
        g_ptr_array_set_size(record->builders, 0);
        r = STORE_FAULT("handing");
        if (r < 0)
            store_record_free(record);
        else
            r = change(claim, record);
        if (r < 0)
            return refuse_change(claim, r, error);
        (void)store_beat_remove(claim);
    }
    store_instance_note(claim->conn->file, "handed", claim->pool, claim->image,
                        claim->owner);
    (void)STORE_FAULT("handed");
    return TRUE;
}

/* The source's claim without the arrival. */
static int
leave_source(StoreClaim *claim)
{
    StoreRecord *record = store_record_copy(claim->record);

    g_clear_pointer(&record->arrival, store_guest_free);
    return change(claim, record);
}

static int
drop_noted(StoreClaim *claim)
{
    int r;

    store_instance_note(claim->conn->file, "drops", claim->pool, claim->image,
                        claim->owner);
    r = STORE_FAULT("claim-dropping");
    if (r >= 0)
        r = claim->arrived ? leave_source(claim)
                           : store_claim_remove_own(claim->conn, claim->pool,
                                                    claim->image, claim->text);
    if (r >= 0)
        r = STORE_FAULT("claim-dropped");
    if (r == -ECANCELED || r == -ENOENT)
        r = 0; /* somebody else's by now, or nobody's */
    if (r >= 0)
        store_instance_note(claim->conn->file, "dropped", claim->pool,
                            claim->image, claim->owner);
    return r;
}

void
store_claim_drop(StoreClaim *claim)
{
    int r;

    if (!claim)
        return;
    (void)store_beat_remove(claim);
    /* A retired connection must change nothing more: its claim stays for
     * whoever comes next, who finds this instance dead. */
    if (!store_conn_is_retired(claim->conn)) {
        r = drop_noted(claim);
        store_conn_note(claim->conn, r, claim->pool, claim->image);
    }
    claim_free(claim);
}

/* As this process goes on, its silence must not be taken for its death: whoever
 * takes the claim over would cut it off. So the claim names no process. */
void
store_claim_abandon(StoreClaim *claim)
{
    (void)store_beat_remove(claim);
    if (!claim->arrived && !store_conn_is_retired(claim->conn)) {
        StoreRecord *record = store_record_copy(claim->record);

        g_clear_pointer(&record->instance, g_free);
        g_clear_pointer(&record->who.addr, g_free);
        (void)change(claim, record);
    }
    claim_free(claim);
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
