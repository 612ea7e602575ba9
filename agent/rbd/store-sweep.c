/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store-sweep.c - what this host's dead instances left
 *
 * A claim that was handed over protects a guest that is being started, until
 * the guest has its disk open; its instance is dead, so nobody will drop it but
 * who comes next. One that was not handed over may stand for a half-made
 * image: it stays, because it is what tells the next provision that the image
 * is not somebody's. Where its holder was giving it up and no image is there,
 * as when the disk was deleted since, nobody builds and nobody will take it:
 * it goes. Nothing here touches an image.
 */
#include "config.h"

#include "agent/rbd/store-fault.h"
#include "agent/rbd/store-internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    StoreConn *conn;
    guint min_age_s;
    GPtrArray *dropped; /* of StoreRecovery */
    bool waiting;       /* for a claim to be older */
    GError *error;      /* the first one */
} Sweep;

/* Whether somebody else has the image open, as a running guest does. */
static bool
is_used(const StoreConn *conn, const StoreLook *look, const char *holder)
{
    g_auto(GStrv) dead = store_holder_builders(holder);

    for (gsize i = 0; look->watchers && look->watchers[i]; i++)
        if (strcmp(look->watchers[i], conn->addr) != 0 &&
            !g_strv_contains((const char *const *)dead, look->watchers[i]))
            return true;
    return false;
}

/* What shows that nobody needs the claim any more; NULL: it may be needed. */
static const char *
why_ended(Sweep *sweep,
          const StoreNote *note,
          const StoreLook *look,
          const StoreClaimSeen *seen)
{
    if (!note->handed && look->marked)
        return "the image is whole";
    if (!note->handed && g_strcmp0(seen->adopted, look->id) == 0)
        return "the image was there before";
    if (!note->handed)
        return note->given_up && !look->there
                   ? "it was giving it up, and there is no image"
                   : NULL;
    if (is_used(sweep->conn, look, seen->holder))
        return "the guest has the image open";
    if (store_note_age(note) >= (int)MIN(sweep->min_age_s, G_MAXINT))
        return "no other client has the image open";
    sweep->waiting = true;
    return NULL;
}

/* Keeps the first error and goes on: one pool that cannot be read is no
 * reason to leave the others. */
static void
note_error(Sweep *sweep, GError *error)
{
    if (sweep->error)
        g_error_free(error);
    else
        sweep->error = error;
}

/* A holder that died while it had the image open is still its watcher, which
 * would be taken for a user of the image once the claim is gone that says who
 * it was. */
static bool
watches_still(const StoreLook *look, const char *addr)
{
    return look->watchers &&
           g_strv_contains((const char *const *)look->watchers, addr);
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
note_dropped(Sweep *sweep,
             const StoreNote *note,
             const char *holder,
             bool fenced,
             const char *why)
{
    StoreRecovery *recovery = g_new0(StoreRecovery, 1);

    recovery->image = g_strdup_printf("%s/%s", note->pool, note->image);
    recovery->text = g_strdup_printf(
        "gave up the claim {%s}: its process on this host is dead, and %s%s",
        holder, why,
        fenced ? "; cut off who could still write to the image" : "");
    g_ptr_array_add(sweep->dropped, recovery);
}

/* Cuts off who has the image open under this claim, and who may come back to
 * it. */
static gboolean
cut_off(Sweep *sweep,
        const StoreLook *look,
        const char *holder,
        bool *ret_any,
        GError **error)
{
    g_auto(GStrv) builders = store_holder_builders(holder);

    *ret_any = false;
    for (guint i = 0; builders[i]; i++) {
        if (i == 0 && !watches_still(look, builders[i]))
            continue;
        if (!store_fence(sweep->conn, builders[i], error))
            return FALSE;
        *ret_any = true;
    }
    return TRUE;
}

/* Whether the note has nothing more to say. */
static bool
settle(Sweep *sweep, const StoreNote *note, const StoreClaimSeen *seen)
{
    g_auto(StoreLook) look = {0};
    GError *error = NULL;
    const char *why;
    bool fenced;
    int r;

    if (!store_look(sweep->conn, note->pool, note->image, NULL, &look,
                    &error)) {
        note_error(sweep, error);
        return false;
    }
    why = why_ended(sweep, note, &look, seen);
    if (!why)
        return false;
    if (!cut_off(sweep, &look, seen->holder, &fenced, &error)) {
        note_error(sweep, error);
        return false;
    }
    r = STORE_FAULT("sweeping");
    if (r >= 0)
        r = store_claim_remove(sweep->conn, note->pool, note->image,
                               seen->holder);
    if (r >= 0)
        note_dropped(sweep, note, seen->holder, fenced, why);
    if (r >= 0 || r == -ECANCELED || r == -ENOENT)
        return true;
    store_fail(&error, sweep->conn, r, "cannot drop the claim on '%s/%s'",
               note->pool, note->image);
    note_error(sweep, error);
    return false;
}

static bool
sweep_note(Sweep *sweep, const char *instance, const StoreNote *note)
{
    g_auto(StoreClaimSeen) seen = {0};
    GError *error = NULL;
    int r = store_claim_read(sweep->conn, note->pool, note->image, &seen);

    if (r == -ENOENT)
        return true; /* no claim, no pool */
    if (r >= 0) {
        g_autofree char *whose = store_holder_field(seen.holder, "instance");

        return strcmp(whose, instance) != 0 || settle(sweep, note, &seen);
    }
    store_fail(&error, sweep->conn, r, "cannot read the claim on '%s/%s'",
               note->pool, note->image);
    note_error(sweep, error);
    return false;
}

/* A connection that was retired gets no further: what is left is looked at
 * the next time. */
static void
sweep_instance(Sweep *sweep, const StoreDead *dead)
{
    bool settled = true;
    GHashTableIter iter;
    gpointer note;

    g_hash_table_iter_init(&iter, dead->notes);
    while (g_hash_table_iter_next(&iter, NULL, &note)) {
        if (g_atomic_int_get(&sweep->conn->retired))
            return;
        settled &= sweep_note(sweep, dead->id, note);
    }
    if (settled)
        (void)unlink(dead->path);
}

gboolean
store_claims_sweep(StoreCluster *cluster,
                   guint min_age_s,
                   GPtrArray *dropped,
                   bool *ret_waiting,
                   GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_autoptr(GPtrArray) dead = NULL;
    Sweep sweep = {.conn = conn, .min_age_s = min_age_s, .dropped = dropped};

    if (!conn)
        return FALSE;
    dead = store_instances_dead(cluster->run_dir);
    for (guint i = 0; i < dead->len; i++)
        sweep_instance(&sweep, g_ptr_array_index(dead, i));
    *ret_waiting = sweep.waiting;
    if (sweep.error) {
        g_propagate_error(error, sweep.error);
        return FALSE;
    }
    return TRUE;
}
