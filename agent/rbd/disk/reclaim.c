/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/reclaim.c - what this host's dead processes left
 *
 * A claim that was handed to a guest is the guest's, and ends with it: it is
 * noted as this process's to settle. One under which somebody was building may
 * stand for a half-made image: it stays, because it is what tells the next
 * provision that the image is not somebody's. Where its builder was giving it up
 * and no image is there, as when the disk was deleted since, nobody builds and
 * nobody will take it: it goes. Nothing here touches an image.
 */
#include "config.h"

#include "agent/rbd/disk/reclaim.h"

#include "agent/rbd/claim/claim.h"
#include "agent/rbd/claim/object.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/fence.h"
#include "agent/rbd/conn/own-dir.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/look.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    StoreConn *conn;
    GPtrArray *dropped; /* of StoreRecovery */
    GError *error;      /* the first one */
} Reclaim;

/* What shows that nobody needs the claim any more; NULL: it may be needed. */
static const char *
why_ended(const StoreNote *note,
          const StoreLook *look,
          const StoreClaimSeen *seen)
{
    const char *adopted = seen->record->adopted;

    if (look->marked)
        return "the image is whole";
    if (adopted && (strcmp(adopted, STORE_ADOPTED_ANY) == 0 ||
                    strcmp(adopted, look->id) == 0))
        return "the image was there before";
    return note->given_up && !look->there
               ? "it was giving it up, and there is no image"
               : NULL;
}

/* Keeps the first error and goes on: one pool that cannot be read is no
 * reason to leave the others. */
static void
note_error(Reclaim *reclaim, GError *error)
{
    if (reclaim->error)
        g_error_free(error);
    else
        reclaim->error = error;
}

void
store_recovery_free(StoreRecovery *recovery)
{
    if (!recovery)
        return;
    g_free(recovery->image);
    g_free(recovery->text);
    g_free(recovery);
}

static void
note_dropped(Reclaim *reclaim,
             const StoreNote *note,
             const char *text,
             bool fenced,
             const char *why)
{
    StoreRecovery *recovery = g_new0(StoreRecovery, 1);

    recovery->image = g_strdup_printf("%s/%s", note->pool, note->image);
    recovery->text = g_strdup_printf(
        "gave up the claim {%s}: its process on this host is dead, and %s%s",
        text, why,
        fenced ? "; cut off who could still write to the image" : "");
    g_ptr_array_add(reclaim->dropped, recovery);
}

/* A builder that died while it had the image open is still its watcher, which
 * would be taken for a user of the image once the claim is gone that says who
 * it was; and those before it may come back. */
static gboolean
cut_off(Reclaim *reclaim,
        const StoreLook *look,
        const StoreRecord *record,
        bool *ret_any,
        GError **error)
{
    const char *addr = record->who.addr;

    *ret_any = false;
    if (addr && look->watchers &&
        g_strv_contains((const char *const *)look->watchers, addr)) {
        if (!store_fence(reclaim->conn, addr, 0, error))
            return FALSE;
        *ret_any = true;
    }
    for (guint i = 0; i < record->builders->len; i++) {
        if (!store_fence(reclaim->conn, g_ptr_array_index(record->builders, i),
                         STORE_CUT_OFF_S, error))
            return FALSE;
        *ret_any = true;
    }
    return TRUE;
}

/* Whether the note has nothing more to say. */
static bool
settle_building(Reclaim *reclaim,
                const StoreNote *note,
                const StoreClaimSeen *seen)
{
    g_auto(StoreLook) look = {0};
    GError *error = NULL;
    const char *why;
    bool fenced = false;
    int r;

    if (!store_look(reclaim->conn, note->pool, note->image, NULL, &look,
                    &error)) {
        note_error(reclaim, error);
        return false;
    }
    why = why_ended(note, &look, seen);
    /* Whom it still has to cut off the next taker finds in it. */
    if (!why || seen->record->owed->len > 0)
        return false;
    if (!cut_off(reclaim, &look, seen->record, &fenced, &error)) {
        note_error(reclaim, error);
        return false;
    }
    r = STORE_FAULT("reclaiming");
    if (r >= 0)
        r = store_claim_remove(reclaim->conn, note->pool, note->image, seen);
    if (r >= 0)
        note_dropped(reclaim, note, seen->text, fenced, why);
    if (r >= 0 || r == -ECANCELED || r == -ENOENT)
        return true;
    /* Another user's, of an image that this one may only read: who adds or
     * removes it next takes it. */
    if (r == -EPERM)
        return false;
    store_fail(&error, reclaim->conn, r, "cannot drop the claim on '%s/%s'",
               note->pool, note->image);
    note_error(reclaim, error);
    return false;
}

static bool
is_builders(const StoreRecord *record, const char *instance, bool handed)
{
    if (g_strcmp0(record->instance, instance) != 0)
        return false;
    return record->phase == STORE_PHASE_BUILDING ||
           (record->phase == STORE_PHASE_OLD && !handed);
}

static bool
reclaim_note(Reclaim *reclaim, const char *instance, const StoreNote *note)
{
    g_auto(StoreClaimSeen) seen = {0};
    GError *error = NULL;
    int r = store_claim_read(reclaim->conn, note->pool, note->image, &seen);

    if (r == -ENOENT && !note->watch)
        return true; /* no claim, no pool */
    if (r >= 0 && is_builders(seen.record, instance, note->handed))
        return settle_building(reclaim, note, &seen);
    /* One of version 0.1 is told to be this host's by that process's file. */
    if (r >= 0 && seen.record->phase == STORE_PHASE_OLD)
        return strcmp(seen.record->instance ? seen.record->instance : "",
                      instance) != 0;
    if (r >= 0 || r == -ENOENT) {
        store_instance_inherit(reclaim->conn->file, note);
        return true;
    }
    store_fail(&error, reclaim->conn, r, "cannot read the claim on '%s/%s'",
               note->pool, note->image);
    note_error(reclaim, error);
    return false;
}

static bool
may_not_go_on(const StoreConn *conn)
{
    return store_conn_is_aside(conn) || store_conn_is_retired(conn);
}

/* A connection that was given up gets no further: what is left is looked at
 * the next time. */
static void
reclaim_instance(Reclaim *reclaim, const StoreDead *dead)
{
    bool settled = true;
    GHashTableIter iter;
    gpointer note;

    g_hash_table_iter_init(&iter, dead->notes);
    while (g_hash_table_iter_next(&iter, NULL, &note)) {
        if (may_not_go_on(reclaim->conn))
            return;
        settled &= reclaim_note(reclaim, dead->id, note);
    }
    if (settled)
        (void)unlink(dead->path);
}

/* So many at a time as may have a descriptor open; false: there are no more. */
static bool
reclaim_some(Reclaim *reclaim, GHashTable *seen)
{
    g_autoptr(GPtrArray) dead =
        store_instances_dead(store_own_dir(reclaim->conn->cluster), seen);

    for (guint i = 0; i < dead->len; i++) {
        const StoreDead *one = g_ptr_array_index(dead, i);

        g_hash_table_add(seen, g_strdup(one->id));
        reclaim_instance(reclaim, one);
    }
    return dead->len == STORE_DEAD_MAX && !may_not_go_on(reclaim->conn);
}

gboolean
store_claims_reclaim(StoreCluster *cluster, GPtrArray *dropped, GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_autoptr(GHashTable) seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Reclaim reclaim = {.conn = conn, .dropped = dropped};

    if (!conn)
        return FALSE;
    while (reclaim_some(&reclaim, seen))
        continue;
    if (reclaim.error) {
        g_propagate_error(error, reclaim.error);
        return FALSE;
    }
    return TRUE;
}
