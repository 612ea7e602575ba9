/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store-provision.c - a disk is there, whole, and one owner's
 *
 * The order is the safety: claim first, then look, then build, mark last. A
 * name that is taken proves nothing, so what is there is judged by the mark,
 * by data of its own and by its parent, and whatever is not accounted for is
 * refused with words, never rebuilt and never removed.
 */
#include "config.h"

#include "agent/rbd/store-fault.h"
#include "agent/rbd/store-internal.h"

#include <string.h>

#define PROVISION_TRIES 3

typedef enum {
    NEXT_BUILD, /* nothing is there: clone */
    NEXT_USE,   /* what is there is the disk */
    NEXT_AGAIN, /* something was put right: look again */
} Next;

void
store_result_clear(StoreResult *result)
{
    g_clear_pointer(&result->recovered, g_free);
}

/* One request for one disk, under its claim. */
typedef struct {
    StoreConn *conn;
    const StoreDisk *disk;
    const char *dead; /* the holder whose claim was taken over, or NULL */
    bool observed;    /* which only kept silent, and may come back */
    bool fenced;      /* it cannot write any more */
    bool settled;     /* what it left is no longer to be judged */
    bool absent;      /* a moment before the claim there was nothing */
    char id[128];     /* or this image, if not "" */
    GString *done;    /* what was put right, for the log */
} Attempt;

static void note_done(Attempt *attempt, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

static void
note_done(Attempt *attempt, const char *format, ...)
{
    va_list args;

    if (attempt->done->len > 0)
        g_string_append(attempt->done, "; ");
    va_start(args, format);
    g_string_append_vprintf(attempt->done, format, args);
    va_end(args);
}

static bool
is_gone(const StoreDisk *disk, const char *addr)
{
    return disk->gone && g_strv_contains(disk->gone, addr);
}

/* Watchers are clients that have the image open. One whose process is proved
 * gone is cut off, a dead builder too; any other is a reason to refuse. */
static gboolean
check_watchers(Attempt *attempt,
               const StoreLook *look,
               Next *ret_next,
               GError **error)
{
    StoreConn *conn = attempt->conn;
    const StoreDisk *disk = attempt->disk;
    g_autofree char *builder =
        attempt->dead ? store_holder_field(attempt->dead, "addr") : NULL;

    if (disk->read_only || disk->shareable || disk->arriving)
        return TRUE;
    for (gsize i = 0; look->watchers && look->watchers[i]; i++) {
        const char *watcher = look->watchers[i];
        bool gone = is_gone(disk, watcher);

        if (!gone && (g_strcmp0(watcher, builder) != 0 ||
                      strcmp(watcher, conn->addr) == 0))
            return store_refuse(
                error, STORE_ERROR_BUSY,
                "'%s/%s' is in use by client '%s': stop that guest first; if "
                "the client is dead its watch ends within 60 s (rbd status "
                "%s/%s)",
                disk->pool, disk->image, watcher, disk->pool, disk->image);
        if (!store_fence(conn, watcher, error))
            return FALSE;
        note_done(attempt, "cut off client %s, %s", watcher,
                  gone ? "whose recorded QEMU is gone"
                       : "the dead holder, which still had it open");
        *ret_next = NEXT_AGAIN;
    }
    return TRUE;
}

static gboolean
check_owner(const StoreDisk *disk, const StoreLook *look, GError **error)
{
    if (!look->owner || disk->shareable ||
        strcmp(look->owner, disk->owner) == 0)
        return TRUE;
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "'%s/%s' was made for '%s', not for '%s': a disk has "
                        "one owner; ask for an image of its own",
                        disk->pool, disk->image, look->owner, disk->owner);
}

static bool
is_asked_parent(const StoreDisk *disk, const StoreLook *look)
{
    g_autofree char *name = g_strdup_printf(
        "%s/%s@%s", disk->parent.pool, disk->parent.image, disk->parent.snap);

    return look->has_parent && strcmp(look->parent_name, name) == 0;
}

static gboolean
refuse_half_made(const StoreDisk *disk, const char *what, GError **error)
{
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "'%s/%s' %s: it looks like a clone that was cut "
                        "short; if it is nobody's, move it away (rbd trash mv "
                        "%s/%s) and start again",
                        disk->pool, disk->image, what, disk->pool, disk->image);
}

/* Nobody's claim was on it: it is somebody's disk, if it is one at all. */
static gboolean
judge_strangers(StoreConn *conn,
                const StoreDisk *disk,
                const StoreLook *look,
                GError **error)
{
    bool data = false;
    bool listed = false;

    if (!look->opens)
        return refuse_half_made(disk, "cannot be opened", error);
    if (look->marked || look->snaps > 0 || !disk->parent.pool)
        return TRUE;
    if (look->has_parent && !is_asked_parent(disk, look))
        return TRUE;
    if (!store_has_data(conn, disk->pool, disk->image, &data, error))
        return FALSE;
    if (data)
        return TRUE;
    if (look->has_parent && !store_is_listed(conn, disk, look, &listed, error))
        return FALSE;
    if (listed)
        return TRUE;
    return refuse_half_made(disk,
                            look->has_parent ? "carries no data and no mark"
                                             : "is empty and has no parent",
                            error);
}

/* The trash does not refuse an image that somebody has open. The dead builder,
 * which is cut off, may be listed for a moment yet. */
static gboolean
check_idle(const Attempt *attempt, const StoreLook *look, GError **error)
{
    const StoreDisk *disk = attempt->disk;
    g_autofree char *builder = store_holder_field(attempt->dead, "addr");

    for (gsize i = 0; look->watchers && look->watchers[i]; i++)
        if (strcmp(look->watchers[i], builder) != 0)
            return store_refuse(error, STORE_ERROR_BUSY,
                                "'%s/%s' is half-made, but client '%s' has it "
                                "open: see who that is (rbd status %s/%s)",
                                disk->pool, disk->image, look->watchers[i],
                                disk->pool, disk->image);
    return TRUE;
}

/* Our own kind's half-made clone, accounted for in every respect, goes to the
 * trash; anything else is refused. */
static gboolean
judge_leftover(Attempt *attempt, const StoreLook *look, GError **error)
{
    static const char why[] =
        "half-made by a dead builder: no mark, no data, no snapshot";
    StoreConn *conn = attempt->conn;
    const StoreDisk *disk = attempt->disk;
    bool data = true;

    if (!look->opens) {
        if (!store_remove_headless(conn, disk, error))
            return FALSE;
        attempt->settled = true;
        note_done(attempt, "removed its name, which had no header");
        return TRUE;
    }
    if (look->snaps > 0 || (look->has_parent && !is_asked_parent(disk, look)))
        return refuse_half_made(disk,
                                "is not what a dead builder of remora "
                                "could have left",
                                error);
    if (!check_idle(attempt, look, error) ||
        !store_has_data(conn, disk->pool, disk->image, &data, error))
        return FALSE;
    if (data)
        return refuse_half_made(disk, "has no mark but holds data", error);
    if (!store_trash(conn, disk->pool, disk->image, why, error))
        return FALSE;
    note_done(attempt, "moved image %s to the trash, %s", look->id, why);
    return TRUE;
}

/* It may still be writing. */
static gboolean
fence_builder(Attempt *attempt, GError **error)
{
    g_autofree char *addr = store_holder_field(attempt->dead, "addr");

    attempt->fenced = true;
    if (strcmp(addr, attempt->conn->addr) == 0)
        return TRUE;
    if (!store_fence(attempt->conn, addr, error))
        return FALSE;
    note_done(attempt, "cut off client %s, so that it writes no more", addr);
    return TRUE;
}

static gboolean
judge(Attempt *attempt, const StoreLook *look, Next *ret_next, GError **error)
{
    const StoreDisk *disk = attempt->disk;
    bool unfinished = attempt->dead && !look->marked && disk->parent.pool;

    *ret_next = NEXT_USE;
    /* Whoever comes back could still grow the disk, whole or not. */
    if ((unfinished || attempt->observed) && !attempt->fenced) {
        *ret_next = NEXT_AGAIN;
        return fence_builder(attempt, error);
    }
    if (!look->there) {
        attempt->settled = true;
        *ret_next = NEXT_BUILD;
        return TRUE;
    }
    if (unfinished) {
        *ret_next = NEXT_AGAIN;
        return judge_leftover(attempt, look, error);
    }
    attempt->settled = true;
    return judge_strangers(attempt->conn, disk, look, error) &&
           check_owner(disk, look, error) &&
           check_watchers(attempt, look, ret_next, error);
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
make_ready(Attempt *attempt, StoreResult *result, GError **error)
{
    StoreConn *conn = attempt->conn;
    const StoreDisk *disk = attempt->disk;
    bool done = false;

    if (attempt->absent &&
        !build(conn, disk, result, attempt->done, &done, error))
        return FALSE;
    for (int i = 0; !done && i < PROVISION_TRIES + 2; i++) {
        g_auto(StoreLook) look = {0};
        Next next;

        if (!store_look(conn, disk->pool, disk->image,
                        i == 0 && attempt->id[0] ? attempt->id : NULL, &look,
                        error) ||
            !judge(attempt, &look, &next, error))
            return FALSE;
        if (next == NEXT_USE)
            return use(conn, disk, &look, result, error);
        if (next == NEXT_BUILD &&
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
    return judge_strangers(conn, disk, &look, error) &&
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
give_up(const Attempt *attempt, StoreClaim *claim)
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
    Attempt attempt = {.conn = conn, .disk = disk, .done = done};
    gboolean ready;

    if (!store_hold(conn, disk, &result->claim, &taken, error))
        return FALSE;
    attempt.dead = taken.holder;
    attempt.observed = taken.observed;
    attempt.absent =
        !taken.holder && disk->parent.pool && store_peek_finds_nothing(peek);
    (void)store_peek_id(peek, attempt.id, sizeof(attempt.id));
    if (taken.holder)
        note_done(&attempt, "took over the claim {%s}: %s", taken.holder,
                  taken.proof);
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
