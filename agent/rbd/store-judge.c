/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store-judge.c - what is to be done about what is there
 *
 * A name that is taken proves nothing, so what is there is judged by the mark,
 * by data of its own and by its parent, and whatever is not accounted for is
 * refused with words, never rebuilt and never removed.
 */
#include "config.h"

#include "agent/rbd/store-fault.h"
#include "agent/rbd/store-internal.h"

#include <string.h>

void
store_attempt_note(StoreAttempt *attempt, const char *format, ...)
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

static bool
is_builder(const StoreAttempt *attempt, const char *addr)
{
    return attempt->builders &&
           g_strv_contains((const char *const *)attempt->builders, addr);
}

/* Watchers are clients that have the image open. One whose process is proved
 * gone is cut off, a dead builder too; any other is a reason to refuse. */
static gboolean
check_watchers(StoreAttempt *attempt,
               const StoreLook *look,
               StoreNext *ret_next,
               GError **error)
{
    StoreConn *conn = attempt->conn;
    const StoreDisk *disk = attempt->disk;
    if (disk->read_only || disk->shareable || disk->arriving)
        return TRUE;
    for (gsize i = 0; look->watchers && look->watchers[i]; i++) {
        const char *watcher = look->watchers[i];
        bool gone = is_gone(disk, watcher);

        if (!gone &&
            (!is_builder(attempt, watcher) || strcmp(watcher, conn->addr) == 0))
            return store_refuse(
                error, STORE_ERROR_BUSY,
                "'%s/%s' is in use by client '%s': stop that guest first; if "
                "the client is dead its watch ends within 60 s (rbd status "
                "%s/%s)",
                disk->pool, disk->image, watcher, disk->pool, disk->image);
        if (!store_fence(conn, watcher, error))
            return FALSE;
        store_attempt_note(attempt, "cut off client %s, %s", watcher,
                           gone ? "whose recorded QEMU is gone"
                                : "the dead holder, which still had it open");
        *ret_next = STORE_NEXT_AGAIN;
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

/* Under the claim of a dead builder, which could not have made it so. Whether
 * to go on with it is for people to say. */
static gboolean
refuse_odd(const StoreDisk *disk, const char *what, GError **error)
{
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "'%s/%s' %s, and a dead builder's claim is on it: if "
                        "it is somebody's disk, remove the claim (rados -p %s "
                        "rm remora_claim.%s), if it is nobody's, move it away "
                        "(rbd trash mv %s/%s); then start again",
                        disk->pool, disk->image, what, disk->pool, disk->image,
                        disk->pool, disk->image);
}

/* Nobody's claim was on it: it is somebody's disk, if it is one at all. */
gboolean
store_judge_strangers(StoreConn *conn,
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
check_idle(const StoreAttempt *attempt, const StoreLook *look, GError **error)
{
    const StoreDisk *disk = attempt->disk;

    for (gsize i = 0; look->watchers && look->watchers[i]; i++)
        if (!is_builder(attempt, look->watchers[i]))
            return store_refuse(error, STORE_ERROR_BUSY,
                                "'%s/%s' is half-made, but client '%s' has it "
                                "open: see who that is (rbd status %s/%s)",
                                disk->pool, disk->image, look->watchers[i],
                                disk->pool, disk->image);
    return TRUE;
}

/* A builder writes no data. A clone that has some and that its parent lists,
 * which is its making's last step, is a disk that was in use before. */
static gboolean
judge_data(StoreAttempt *attempt, const StoreLook *look, GError **error)
{
    bool listed = false;

    if (look->has_parent &&
        !store_is_listed(attempt->conn, attempt->disk, look, &listed, error))
        return FALSE;
    if (!listed)
        return refuse_odd(attempt->disk, "has no mark but holds data", error);
    attempt->others = true;
    return TRUE;
}

/* Our own kind's half-made clone, accounted for in every respect, goes to the
 * trash; what was in use is used; anything else is refused. */
static gboolean
judge_leftover(StoreAttempt *attempt, const StoreLook *look, GError **error)
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
        store_attempt_note(attempt, "removed its name, which had no header");
        return TRUE;
    }
    if (look->snaps > 0 || (look->has_parent && !is_asked_parent(disk, look)))
        return refuse_odd(disk, "has a snapshot or another parent", error);
    if (!check_idle(attempt, look, error) ||
        !store_has_data(conn, disk->pool, disk->image, &data, error))
        return FALSE;
    if (data)
        return judge_data(attempt, look, error);
    if (!store_trash(conn, disk->pool, disk->image, why, error))
        return FALSE;
    store_attempt_note(attempt, "moved image %s to the trash, %s", look->id,
                       why);
    return TRUE;
}

/* They may still be writing. */
static gboolean
fence_builders(StoreAttempt *attempt, GError **error)
{
    for (char **addr = attempt->builders; *addr; addr++) {
        if (strcmp(*addr, attempt->conn->addr) == 0)
            continue;
        if (!store_fence(attempt->conn, *addr, error))
            return FALSE;
        store_attempt_note(
            attempt, "cut off client %s, so that it writes no more", *addr);
    }
    attempt->fenced = true;
    return TRUE;
}

/* Without a mark only the claim can tell it from a half-made clone, and the
 * claim may come to somebody else before the guest has the disk. */
static gboolean
adopt(StoreAttempt *attempt, const StoreLook *look, GError **error)
{
    const StoreDisk *disk = attempt->disk;
    int r;

    if (look->marked || !disk->parent.pool ||
        g_strcmp0(attempt->adopted, look->id) == 0)
        return TRUE;
    r = store_claim_adopt(attempt->conn, disk->pool, disk->image,
                          attempt->claim->holder, look->id);
    if (r >= 0)
        r = STORE_FAULT("adopted");
    return r >= 0 ||
           store_fail(error, attempt->conn, r,
                      "cannot note in the claim on '%s/%s' that it was there",
                      disk->pool, disk->image);
}

gboolean
store_judge(StoreAttempt *attempt,
            const StoreLook *look,
            StoreNext *ret_next,
            GError **error)
{
    const StoreDisk *disk = attempt->disk;
    bool unfinished = attempt->dead && !look->marked && disk->parent.pool &&
                      !attempt->others &&
                      g_strcmp0(attempt->adopted, look->id) != 0;
    /* Whoever comes back could still grow the disk, whole or not. */
    bool back = attempt->observed || (attempt->dead && attempt->builders[1]);

    *ret_next = STORE_NEXT_USE;
    if ((unfinished || back) && !attempt->fenced) {
        *ret_next = STORE_NEXT_AGAIN;
        return fence_builders(attempt, error);
    }
    if (!look->there) {
        attempt->settled = true;
        *ret_next = STORE_NEXT_BUILD;
        return TRUE;
    }
    if (unfinished) {
        *ret_next = STORE_NEXT_AGAIN;
        return judge_leftover(attempt, look, error);
    }
    attempt->settled = true;
    return store_judge_strangers(attempt->conn, disk, look, error) &&
           check_owner(disk, look, error) &&
           check_watchers(attempt, look, ret_next, error) &&
           adopt(attempt, look, error);
}
