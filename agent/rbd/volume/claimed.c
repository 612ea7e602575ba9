/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/claimed.c - a volume under its claim, while something is done
 *
 * A volume carries no mark of ours, for Cinder would leave none. So its claim
 * is what tells a half-made one from a whole one: it is taken before the image
 * is made, and dropped when the image is whole. One under whose claim a process
 * has died is told by what it holds.
 */
#include "config.h"

#include "agent/rbd/volume/claimed.h"

#include "agent/rbd/claim/release.h"
#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/build.h"
#include "agent/rbd/disk/clear-way.h"
#include "agent/rbd/disk/flatten-cancel.h"
#include "agent/rbd/disk/flatten.h"
#include "agent/rbd/disk/image-claim.h"
#include "agent/rbd/disk/pool-space.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/flattening.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/trash.h"
#include "agent/rbd/image/watchers.h"
#include "agent/rbd/volume/others.h"

/* Whoever only flattens it is in nobody's way: its watch is left out. */
static gboolean
read_others(StoreClaimed *claimed, StoreClaimedFacts *facts, GError **error)
{
    StoreOthers others;
    int r = store_others_read(claimed->conn, claimed->io, claimed->pool,
                              claimed->volume, &claimed->look, &others);

    if (r < 0)
        return store_fail(error, claimed->conn, r, "cannot look at '%s/%s'",
                          claimed->pool, claimed->volume);
    claimed->flattening = others.flattening;
    facts->flattening = others.flattening;
    facts->watched = others.watched;
    facts->lockless = others.lockless;
    facts->by_task = others.task;
    return TRUE;
}

static gboolean
read_state(StoreClaimed *claimed, GError **error)
{
    const StoreLook *look = &claimed->look;
    StoreClaimedFacts facts = {
        .there = look->there,
        .opens = look->opens,
        .filling = look->building,
        .dead_maker = claimed->dead && claimed->claim &&
                      !store_claim_has_adopted(claimed->claim, look->id),
    };
    bool data = true;

    if (!read_others(claimed, &facts, error))
        return FALSE;
    if (facts.dead_maker && facts.opens && look->snaps == 0) {
        if (!store_has_data(claimed->conn, claimed->pool, claimed->volume,
                            &data, error))
            return FALSE;
        facts.empty = !data;
    }
    claimed->state = store_claimed_verdict(&facts);
    claimed->keeps = store_claimed_keeps(claimed->state, facts.dead_maker);
    return TRUE;
}

static void
claimed_clear(StoreClaimed *claimed)
{
    store_look_clear(&claimed->look);
    store_ioctx_clear(&claimed->io);
    if (claimed->conn)
        store_conn_unref(claimed->conn);
    *claimed = (StoreClaimed){0};
}

/* The manager is at work on it, perhaps, and nobody has waited for that: before the
 * claim asks who has it open, its mark says whose that watch is. */
static void
name_flattener(const StoreClaimed *claimed)
{
    g_auto(GStrv) watchers =
        store_watchers_of(claimed->conn, claimed->pool, claimed->volume, NULL);

    for (gsize i = 0; watchers && watchers[i]; i++)
        if (store_flattens(claimed->conn->cluster, claimed->pool,
                           claimed->volume, watchers[i]))
            break;
}

gboolean
store_volume_claim(StoreCluster *cluster,
                   const char *pool,
                   const char *volume,
                   bool makes,
                   StoreClaimed *ret_claimed,
                   GError **error)
{
    StoreClaimed claimed = {.pool = pool, .volume = volume};
    g_autoptr(GError) why = NULL;
    bool dead = false;

    store_conn_will_unprotect(cluster);
    claimed.conn = store_conn_acquire(cluster, &why);
    if (claimed.conn)
        name_flattener(&claimed);
    if (!claimed.conn || !store_ioctx(claimed.conn, pool, &claimed.io, &why) ||
        !store_image_claim(claimed.conn, pool, volume, makes, &claimed.claim,
                           &dead, &why)) {
        claimed_clear(&claimed);
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    /* On a full pool writes fail and say so; and what frees space must not wait
     * for it. */
    rados_set_pool_full_try(claimed.io);
    claimed.keeps = dead;
    claimed.dead = dead;
    if (!store_look(claimed.conn, pool, volume, NULL, &claimed.look, &why) ||
        !read_state(&claimed, &why))
        return store_volume_unclaim(&claimed, g_steal_pointer(&why), error);
    *ret_claimed = claimed;
    return TRUE;
}

void
store_claimed_forget_flatten(const StoreClaimed *claimed)
{
    StoreHandle handle = NULL;

    if (rbd_open(claimed->io, claimed->volume, &handle, NULL) < 0)
        return;
    (void)store_flatten_mark_remove(handle);
    (void)store_close(handle);
}

gboolean
store_claimed_end_flatten(StoreClaimed *claimed, GError **error)
{
    if (!claimed->flattening)
        return TRUE;
    if (store_flatten_cancel(claimed->conn, claimed->pool, claimed->volume,
                             claimed->look.id) == STORE_CANCEL_NONE)
        store_claimed_forget_flatten(claimed);
    store_look_clear(&claimed->look);
    claimed->look = (StoreLook){0};
    return store_look(claimed->conn, claimed->pool, claimed->volume, NULL,
                      &claimed->look, error) &&
           read_state(claimed, error);
}

static gboolean
refuse_watched(const StoreClaimed *claimed, GError **error)
{
    char **watchers = claimed->look.watchers;

    return store_refuse(error, STORE_ERROR_BUSY,
                        "volume '%s/%s' is open for writing by client '%s': "
                        "stop that first; if it is dead, its watch ends within "
                        "60 s (rbd status %s/%s)",
                        claimed->pool, claimed->volume,
                        watchers && watchers[0] ? watchers[0] : "?",
                        claimed->pool, claimed->volume);
}

gboolean
store_claimed_check(const StoreClaimed *claimed, GError **error)
{
    const char *pool = claimed->pool;
    const char *volume = claimed->volume;

    switch (claimed->state) {
    case STORE_CLAIMED_WHOLE:
        return TRUE;
    case STORE_CLAIMED_MISSING:
        return store_refuse(error, STORE_ERROR_MISSING,
                            "no volume '%s/%s' (remora volume list)", pool,
                            volume);
    case STORE_CLAIMED_WATCHED:
        return refuse_watched(claimed, error);
    case STORE_CLAIMED_CUT_SHORT:
        return store_refuse(error, STORE_ERROR_REFUSED,
                            "volume '%s/%s' is between two states, because "
                            "writing to it was cut short: roll it back to a "
                            "snapshot (remora volume snapshot list %s/%s)",
                            pool, volume, pool, volume);
    case STORE_CLAIMED_FLATTENING:
        return store_refuse(error, STORE_ERROR_BUSY,
                            "volume '%s/%s' is to be flattened: finish that "
                            "(remora volume flatten --wait %s/%s)",
                            pool, volume, pool, volume);
    case STORE_CLAIMED_HALF_MADE:
        break;
    }
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "volume '%s/%s' is half-made, by a call that was cut "
                        "short: remove it (remora volume rm %s/%s) and make it "
                        "again",
                        pool, volume, pool, volume);
}

gboolean
store_volume_claim_whole(StoreCluster *cluster,
                         const char *pool,
                         const char *volume,
                         StoreClaimed *ret_claimed,
                         GError **error)
{
    StoreClaimed claimed;
    GError *why = NULL;

    if (!store_volume_claim(cluster, pool, volume, false, &claimed, error))
        return FALSE;
    if (!store_claimed_check(&claimed, &why))
        return store_volume_unclaim(&claimed, why, error);
    *ret_claimed = claimed;
    return TRUE;
}

gboolean
store_claimed_space(const StoreClaimed *claimed, GError **error)
{
    g_auto(StoreHandle) handle = NULL;
    g_autofree char *data_pool = NULL;
    int r = rbd_open_read_only(claimed->io, claimed->volume, &handle, NULL);

    if (r < 0)
        return store_fail(error, claimed->conn, r, "cannot look at '%s/%s'",
                          claimed->pool, claimed->volume);
    data_pool = store_data_pool(claimed->conn, handle, claimed->pool);
    return store_pools_check_space(
        claimed->conn, (const char *const[]){claimed->pool, data_pool}, 2,
        error);
}

gboolean
store_claimed_space_for(const StoreClaimed *claimed,
                        const char *data_pool,
                        const char *other,
                        GError **error)
{
    g_autofree char *found = store_new_data_pool(claimed->conn, data_pool);
    const char *const pools[] = {claimed->pool, found, other};

    return store_pools_check_space(claimed->conn, pools, G_N_ELEMENTS(pools),
                                   error);
}

gboolean
store_claimed_made(StoreClaimed *claimed, GError **error)
{
    store_look_clear(&claimed->look);
    claimed->look = (StoreLook){0};
    if (!store_look(claimed->conn, claimed->pool, claimed->volume, NULL,
                    &claimed->look, error))
        return FALSE;
    claimed->state = STORE_CLAIMED_WHOLE;
    claimed->keeps = false;
    return !claimed->claim ||
           store_claim_adopt(claimed->claim, claimed->look.id, error);
}

gboolean
store_volume_unclaim(StoreClaimed *claimed, GError *why, GError **error)
{
    StoreClaim *claim = claimed->claim;
    gboolean good;

    if (claim && claimed->keeps && store_conn_may_write(claimed->conn, why)) {
        store_claim_abandon(claim);
        claim = NULL;
    }
    good = store_image_unclaim(claim, why, error);
    claimed_clear(claimed);
    return good;
}

static gboolean
clear_way(StoreClaimed *claimed, GError **error)
{
    const StoreDisk disk = {.pool = claimed->pool, .image = claimed->volume};

    if (!claimed->look.opens) {
        if (!store_remove_headless(claimed->conn, &disk, error))
            return FALSE;
    } else if (!store_trash(claimed->conn, claimed->pool, claimed->volume,
                            "half-made by a call that was cut short", error)) {
        return FALSE;
    }
    claimed->keeps = false;
    return TRUE;
}

static bool
is_half_made(const StoreClaimed *claimed)
{
    return claimed->state == STORE_CLAIMED_HALF_MADE && claimed->keeps;
}

/* What stays is flattened on. */
gboolean
store_claimed_free_name(StoreClaimed *claimed, GError **error)
{
    bool finished;

    if (is_half_made(claimed) && !store_claimed_end_flatten(claimed, error))
        return FALSE;
    if (claimed->state == STORE_CLAIMED_MISSING)
        return store_finish_removals(claimed->conn, claimed->pool,
                                     claimed->volume, &finished, error);
    if (is_half_made(claimed))
        return clear_way(claimed, error);
    return store_refuse(error, STORE_ERROR_BUSY,
                        "volume '%s/%s' is there already and is never "
                        "overwritten: give another id",
                        claimed->pool, claimed->volume);
}

void
store_claimed_unmake(StoreClaimed *claimed, const GError *why)
{
    if (!store_conn_may_write(claimed->conn, why))
        return;
    if (store_trash(claimed->conn, claimed->pool, claimed->volume, why->message,
                    NULL))
        claimed->keeps = false;
}
