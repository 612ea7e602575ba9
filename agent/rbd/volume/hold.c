/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/hold.c - a volume under its claim, while something is done
 *
 * A volume carries no mark of ours, for Cinder would leave none. So its claim
 * is what tells a half-made one from a whole one: it is taken before the image
 * is made, and dropped when the image is whole. One under whose claim a process
 * has died is judged by what it holds.
 */
#include "config.h"

#include "agent/rbd/volume/hold.h"

#include "agent/rbd/claim/release.h"
#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/build.h"
#include "agent/rbd/disk/clear-way.h"
#include "agent/rbd/disk/flatten-cancel.h"
#include "agent/rbd/disk/flatten.h"
#include "agent/rbd/disk/image-claim.h"
#include "agent/rbd/disk/room.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/flattening.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/trash.h"
#include "agent/rbd/image/watchers.h"
#include "agent/rbd/volume/others.h"

/* Whoever only flattens it is in nobody's way: its watch is left out. */
static gboolean
read_others(StoreHold *hold, StoreHeldFacts *facts, GError **error)
{
    StoreOthers others;
    int r = store_others_read(hold->conn, hold->io, hold->pool, hold->volume,
                              &hold->look, &others);

    if (r < 0)
        return store_fail(error, hold->conn, r, "cannot look at '%s/%s'",
                          hold->pool, hold->volume);
    hold->flattening = others.flattening;
    facts->flattening = others.flattening;
    facts->watched = others.watched;
    facts->lockless = others.lockless;
    facts->by_task = others.task;
    return TRUE;
}

static gboolean
judge(StoreHold *hold, GError **error)
{
    const StoreLook *look = &hold->look;
    StoreHeldFacts facts = {
        .there = look->there,
        .opens = look->opens,
        .filling = look->building,
        .dead_maker = hold->dead && hold->claim &&
                      !store_claim_has_adopted(hold->claim, look->id),
    };
    bool data = true;

    if (!read_others(hold, &facts, error))
        return FALSE;
    if (facts.dead_maker && facts.opens && look->snaps == 0) {
        if (!store_has_data(hold->conn, hold->pool, hold->volume, &data, error))
            return FALSE;
        facts.empty = !data;
    }
    hold->held = store_held_verdict(&facts);
    hold->keeps = store_held_keeps(hold->held, facts.dead_maker);
    return TRUE;
}

static void
hold_clear(StoreHold *hold)
{
    store_look_clear(&hold->look);
    store_ioctx_clear(&hold->io);
    if (hold->conn)
        store_conn_unref(hold->conn);
    *hold = (StoreHold){0};
}

/* The manager is at work on it, perhaps, and nobody has waited for that: before the
 * claim asks who has it open, its mark says whose that watch is. */
static void
name_flattener(const StoreHold *hold)
{
    g_auto(GStrv) watchers =
        store_watchers_of(hold->conn, hold->pool, hold->volume, NULL);

    for (gsize i = 0; watchers && watchers[i]; i++)
        if (store_flattens(hold->conn->cluster, hold->pool, hold->volume,
                           watchers[i]))
            break;
}

gboolean
store_hold(StoreCluster *cluster,
           const char *pool,
           const char *volume,
           bool makes,
           StoreHold *ret_hold,
           GError **error)
{
    StoreHold hold = {.pool = pool, .volume = volume};
    g_autoptr(GError) why = NULL;
    bool dead = false;

    store_conn_will_unprotect(cluster);
    hold.conn = store_conn_acquire(cluster, &why);
    if (hold.conn)
        name_flattener(&hold);
    if (!hold.conn || !store_ioctx(hold.conn, pool, &hold.io, &why) ||
        !store_image_claim(hold.conn, pool, volume, makes, &hold.claim, &dead,
                           &why)) {
        hold_clear(&hold);
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    /* On a full pool writes fail and say so; and what frees space must not wait
     * for it. */
    rados_set_pool_full_try(hold.io);
    hold.keeps = dead;
    hold.dead = dead;
    if (!store_look(hold.conn, pool, volume, NULL, &hold.look, &why) ||
        !judge(&hold, &why))
        return store_hold_end(&hold, g_steal_pointer(&why), error);
    *ret_hold = hold;
    return TRUE;
}

void
store_hold_forget_flatten(const StoreHold *hold)
{
    StoreHandle handle = NULL;

    if (rbd_open(hold->io, hold->volume, &handle, NULL) < 0)
        return;
    (void)store_flatten_mark_remove(handle);
    (void)store_close(handle);
}

gboolean
store_hold_end_flatten(StoreHold *hold, GError **error)
{
    if (!hold->flattening)
        return TRUE;
    if (store_flatten_cancel(hold->conn, hold->pool, hold->volume,
                             hold->look.id) == STORE_CANCEL_NONE)
        store_hold_forget_flatten(hold);
    store_look_clear(&hold->look);
    hold->look = (StoreLook){0};
    return store_look(hold->conn, hold->pool, hold->volume, NULL, &hold->look,
                      error) &&
           judge(hold, error);
}

static gboolean
refuse_watched(const StoreHold *hold, GError **error)
{
    char **watchers = hold->look.watchers;

    return store_refuse(error, STORE_ERROR_BUSY,
                        "volume '%s/%s' is open for writing by client '%s': "
                        "stop that first; if it is dead, its watch ends within "
                        "60 s (rbd status %s/%s)",
                        hold->pool, hold->volume,
                        watchers && watchers[0] ? watchers[0] : "?", hold->pool,
                        hold->volume);
}

gboolean
store_hold_check(const StoreHold *hold, GError **error)
{
    const char *pool = hold->pool;
    const char *volume = hold->volume;

    switch (hold->held) {
    case STORE_HELD_WHOLE:
        return TRUE;
    case STORE_HELD_MISSING:
        return store_refuse(error, STORE_ERROR_MISSING,
                            "no volume '%s/%s' (remora volume list)", pool,
                            volume);
    case STORE_HELD_WATCHED:
        return refuse_watched(hold, error);
    case STORE_HELD_CUT_SHORT:
        return store_refuse(error, STORE_ERROR_REFUSED,
                            "volume '%s/%s' is between two states, because "
                            "writing to it was cut short: roll it back to a "
                            "snapshot (remora volume snapshot list %s/%s)",
                            pool, volume, pool, volume);
    case STORE_HELD_FLATTENING:
        return store_refuse(error, STORE_ERROR_BUSY,
                            "volume '%s/%s' is to be flattened: finish that "
                            "(remora volume flatten --wait %s/%s)",
                            pool, volume, pool, volume);
    case STORE_HELD_HALF_MADE:
        break;
    }
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "volume '%s/%s' is half-made, by a call that was cut "
                        "short: remove it (remora volume rm %s/%s) and make it "
                        "again",
                        pool, volume, pool, volume);
}

gboolean
store_hold_whole(StoreCluster *cluster,
                 const char *pool,
                 const char *volume,
                 StoreHold *ret_hold,
                 GError **error)
{
    StoreHold hold;
    GError *why = NULL;

    if (!store_hold(cluster, pool, volume, false, &hold, error))
        return FALSE;
    if (!store_hold_check(&hold, &why))
        return store_hold_end(&hold, why, error);
    *ret_hold = hold;
    return TRUE;
}

gboolean
store_hold_room(const StoreHold *hold, GError **error)
{
    g_auto(StoreHandle) handle = NULL;
    g_autofree char *data_pool = NULL;
    int r = rbd_open_read_only(hold->io, hold->volume, &handle, NULL);

    if (r < 0)
        return store_fail(error, hold->conn, r, "cannot look at '%s/%s'",
                          hold->pool, hold->volume);
    data_pool = store_data_pool(hold->conn, handle, hold->pool);
    return store_rooms_check(
        hold->conn, (const char *const[]){hold->pool, data_pool}, 2, error);
}

gboolean
store_hold_room_for(const StoreHold *hold,
                    const char *data_pool,
                    const char *other,
                    GError **error)
{
    g_autofree char *found = store_new_data_pool(hold->conn, data_pool);
    const char *const pools[] = {hold->pool, found, other};

    return store_rooms_check(hold->conn, pools, G_N_ELEMENTS(pools), error);
}

gboolean
store_hold_made(StoreHold *hold, GError **error)
{
    store_look_clear(&hold->look);
    hold->look = (StoreLook){0};
    if (!store_look(hold->conn, hold->pool, hold->volume, NULL, &hold->look,
                    error))
        return FALSE;
    hold->held = STORE_HELD_WHOLE;
    hold->keeps = false;
    return !hold->claim || store_claim_adopt(hold->claim, hold->look.id, error);
}

gboolean
store_hold_end(StoreHold *hold, GError *why, GError **error)
{
    StoreClaim *claim = hold->claim;
    gboolean good;

    if (claim && hold->keeps && store_conn_may_write(hold->conn, why)) {
        store_claim_abandon(claim);
        claim = NULL;
    }
    good = store_image_unclaim(claim, why, error);
    hold_clear(hold);
    return good;
}

static gboolean
clear_way(StoreHold *hold, GError **error)
{
    const StoreDisk disk = {.pool = hold->pool, .image = hold->volume};

    if (!hold->look.opens) {
        if (!store_remove_headless(hold->conn, &disk, error))
            return FALSE;
    } else if (!store_trash(hold->conn, hold->pool, hold->volume,
                            "half-made by a call that was cut short", error)) {
        return FALSE;
    }
    hold->keeps = false;
    return TRUE;
}

static bool
is_half_made(const StoreHold *hold)
{
    return hold->held == STORE_HELD_HALF_MADE && hold->keeps;
}

/* What stays is flattened on. */
gboolean
store_hold_free_name(StoreHold *hold, GError **error)
{
    bool finished;

    if (is_half_made(hold) && !store_hold_end_flatten(hold, error))
        return FALSE;
    if (hold->held == STORE_HELD_MISSING)
        return store_finish_removals(hold->conn, hold->pool, hold->volume,
                                     &finished, error);
    if (is_half_made(hold))
        return clear_way(hold, error);
    return store_refuse(error, STORE_ERROR_BUSY,
                        "volume '%s/%s' is there already and is never "
                        "overwritten: give another id",
                        hold->pool, hold->volume);
}

void
store_hold_unmake(StoreHold *hold, const GError *why)
{
    if (!store_conn_may_write(hold->conn, why))
        return;
    if (store_trash(hold->conn, hold->pool, hold->volume, why->message, NULL))
        hold->keeps = false;
}
