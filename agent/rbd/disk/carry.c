/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/carry.c - what the verdict says is carried out
 */
#include "config.h"

#include "agent/rbd/disk/carry.h"

#include "agent/rbd/claim/claim.h"
#include "agent/rbd/claim/release.h"
#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/disk/blank.h"
#include "agent/rbd/disk/build.h"
#include "agent/rbd/disk/full.h"
#include "agent/rbd/image/trash.h"

void
store_carry_note(StoreCarry *carry, const char *format, ...)
{
    va_list args;

    if (!carry->done)
        return;
    if (carry->done->len > 0)
        g_string_append(carry->done, "; ");
    va_start(args, format);
    g_string_append_vprintf(carry->done, format, args);
    va_end(args);
}

/* Where an error was only said to be one, or what failed could not be taken
 * away: without its claim nothing would tell it from somebody's blank disk. */
static void
heed_leftover(StoreCarry *carry)
{
    const StoreDisk *disk = carry->disk;
    g_auto(StoreIo) io = NULL;
    bool taken = false;

    if (store_conn_is_retired(carry->conn) ||
        !store_ioctx(carry->conn, disk->pool, &io, NULL) ||
        store_name_is_taken(io, disk->image, &taken) < 0 || !taken)
        return;
    carry->dead_builder = true;
    carry->settled = false;
}

static gboolean
build(StoreCarry *carry, bool *ret_done, GError **error)
{
    const StoreDisk *disk = carry->disk;
    StoreResult *result = carry->result;
    bool exists = false;
    gboolean built;

    if (!store_space_check(carry->conn, disk, error))
        return FALSE;
    built = disk->source == STORE_SOURCE_CLONE
                ? store_build(carry->conn, disk, &result->size, &exists,
                              carry->done, error)
                : store_build_blank(carry->conn, disk, &result->size, &exists,
                                    error);
    if (!built) {
        heed_leftover(carry);
        return FALSE;
    }
    result->outcome = STORE_BUILT;
    *ret_done = !exists;
    return TRUE;
}

/* Whose it is has to stand in the claim, or the next who takes it would judge
 * an image without a mark as a dead builder's. */
static gboolean
use(StoreCarry *carry, const StoreLook *look, bool grow, GError **error)
{
    const StoreDisk *disk = carry->disk;
    StoreResult *result = carry->result;

    if (carry->claim && !look->marked && !disk->shareable &&
        !store_claim_adopt(carry->claim, look->id, error))
        return FALSE;
    result->outcome = grow ? STORE_GROWN : STORE_READY;
    result->size = grow ? disk->size : look->size;
    return !grow || store_grow(carry->conn, disk, error);
}

static gboolean
trash(StoreCarry *carry, const StoreLook *look, GError **error)
{
    static const char why[] =
        "half-made by a dead builder, and nobody's: no ready mark";
    const StoreDisk *disk = carry->disk;

    if (!store_trash(carry->conn, disk->pool, disk->image, why, error))
        return FALSE;
    store_carry_note(carry, "moved image %s to the trash, %s", look->id, why);
    return TRUE;
}

static gboolean
remove_name(StoreCarry *carry, GError **error)
{
    if (!store_remove_headless(carry->conn, carry->disk, error))
        return FALSE;
    carry->settled = true;
    store_carry_note(carry, "removed its name, which had no header");
    return TRUE;
}

/* ---- refusals ------------------------------------------------------------------- */

static gboolean
refuse_missing(const StoreCarry *carry, GError **error)
{
    const StoreDisk *disk = carry->disk;

    if (carry->claim && carry->claim->arrived)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "image '%s/%s' does not exist, and its guest has "
                            "it open on the host that it comes from: see "
                            "whether it was renamed or moved to the trash, and "
                            "put that right first (rbd trash ls %s)",
                            disk->pool, disk->image, disk->pool);
    return store_refuse(error, STORE_ERROR_MISSING,
                        "image '%s/%s' does not exist: create it or correct "
                        "the disk's source (rbd ls %s)",
                        disk->pool, disk->image, disk->pool);
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

static gboolean
refuse_building(const StoreDisk *disk, GError **error)
{
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "'%s/%s' was being filled when its builder died, and "
                        "nothing says that it is whole: if it is nobody's, "
                        "move it away (rbd trash mv %s/%s) and start again",
                        disk->pool, disk->image, disk->pool, disk->image);
}

/* Under the claim of a dead builder, which could not have made it so. Whether
 * to go on with it is for people to say. */
static gboolean
refuse_odd(const StoreDisk *disk, const StoreLook *look, GError **error)
{
    const char *what = look->snaps > 0 || look->has_parent
                           ? "has a snapshot or another parent"
                           : "has no mark but holds data";

    return store_refuse(error, STORE_ERROR_REFUSED,
                        "'%s/%s' %s, and a dead builder's claim is on it: if "
                        "it is somebody's disk, remove the claim (rados -p %s "
                        "rm remora_claim.%s), if it is nobody's, move it away "
                        "(rbd trash mv %s/%s); then start again",
                        disk->pool, disk->image, what, disk->pool, disk->image,
                        disk->pool, disk->image);
}

static gboolean
refuse_owner(const StoreDisk *disk, const StoreLook *look, GError **error)
{
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "'%s/%s' was made for '%s', not for '%s': a disk has "
                        "one owner; ask for an image of its own",
                        disk->pool, disk->image, look->owner, disk->owner);
}

static gboolean
refuse_watched(const StoreCarry *carry, const StoreLook *look, GError **error)
{
    const StoreDisk *disk = carry->disk;

    if (look->crowded)
        return store_refuse(error, STORE_ERROR_BUSY,
                            "'%s/%s' is in use by more clients than can be "
                            "listed: stop them first (rbd status %s/%s)",
                            disk->pool, disk->image, disk->pool, disk->image);
    return store_refuse(error, STORE_ERROR_BUSY,
                        "'%s/%s' is in use by client '%s': stop that guest "
                        "first; if the client is dead its watch ends within "
                        "60 s (rbd status %s/%s)",
                        disk->pool, disk->image, carry->watcher, disk->pool,
                        disk->image);
}

static const char *
half_made_words(const StoreLook *look)
{
    return look->has_parent ? "carries no data and no mark"
                            : "is empty and has no parent";
}

gboolean
store_carry_out(StoreCarry *carry,
                StoreDo what,
                const StoreLook *look,
                bool *ret_done,
                GError **error)
{
    const StoreDisk *disk = carry->disk;

    *ret_done = false;
    switch (what) {
    case STORE_DO_BUILD:
        carry->settled = true;
        return build(carry, ret_done, error);
    case STORE_DO_USE:
    case STORE_DO_GROW:
        *ret_done = carry->settled = true;
        return use(carry, look, what == STORE_DO_GROW, error);
    case STORE_DO_TRASH:
        return trash(carry, look, error);
    case STORE_DO_REMOVE_NAME:
        return remove_name(carry, error);
    case STORE_DO_REFUSE_MISSING:
        carry->settled = true;
        return refuse_missing(carry, error);
    case STORE_DO_REFUSE_UNOPENABLE:
        return refuse_half_made(disk, "cannot be opened", error);
    case STORE_DO_REFUSE_HALF_MADE:
        return refuse_half_made(disk, half_made_words(look), error);
    case STORE_DO_REFUSE_BUILDING:
        return refuse_building(disk, error);
    case STORE_DO_REFUSE_ODD:
        return refuse_odd(disk, look, error);
    case STORE_DO_REFUSE_OWNER:
        carry->settled = true;
        return refuse_owner(disk, look, error);
    case STORE_DO_REFUSE_WATCHED:
        return refuse_watched(carry, look, error);
    case STORE_DO_ASK_DATA:
    case STORE_DO_ASK_LISTED:
        break;
    }
    g_return_val_if_reached(FALSE);
}
