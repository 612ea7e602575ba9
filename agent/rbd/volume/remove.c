/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/remove.c - a volume goes
 *
 * All that could stand in the way is looked at first, so that a refusal leaves it
 * as it was; verdict.c has the rules. Each step may be the last: the next call
 * goes on. Where Cinder gives a volume that clones need another name, which it
 * may never find again, it goes to the trash here. A parent of that kind that the
 * last clone leaves behind is removed with it.
 */
#include "config.h"

#include "agent/rbd/volume/remove.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/build.h"
#include "agent/rbd/disk/clear-way.h"
#include "agent/rbd/image/children.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/trash.h"
#include "agent/rbd/volume/claimed.h"
#include "agent/rbd/volume/family.h"
#include "agent/rbd/volume/name.h"
#include "agent/rbd/volume/origin.h"
#include "agent/rbd/volume/snaps.h"

#include <errno.h>

typedef struct {
    StoreClaimed *claimed;
    StoreVolumeFamily family;
    StoreOwnSnap origin;
} Remove;

static StoreRm
decide(const Remove *remove, bool to_trash)
{
    const StoreVolumeFamily *family = &remove->family;
    StoreRmFacts facts = {.to_trash = to_trash};
    bool any_protected = false;

    for (guint i = 0; i < family->snaps->len; i++) {
        const StoreVolumeSnap *snap = g_ptr_array_index(family->snaps, i);

        facts.snapshots += snap->own ? 0 : 1;
        any_protected |= snap->is_protected;
    }
    for (guint i = 0; i < family->children->len; i++) {
        const StoreChild *child = g_ptr_array_index(family->children, i);

        facts.clones_old += child->format == 1 ? 1 : 0;
        facts.clones += child->format == 1 ? 0 : 1;
    }
    facts.unseen = any_protected && family->unseen->len > 0;
    return store_rm_verdict(&facts);
}

/* ---- the steps ---------------------------------------------------------------------- */

static gboolean
remove_own_snaps(const Remove *remove, GError **error)
{
    const StoreClaimed *claimed = remove->claimed;
    const GPtrArray *snaps = remove->family.snaps;
    StoreHandle handle = NULL;
    int closed;
    int r;

    if (snaps->len == 0)
        return TRUE;
    r = rbd_open(claimed->io, claimed->volume, &handle, NULL);
    for (guint i = 0; r >= 0 && i < snaps->len; i++)
        r = store_snap_remove(handle, g_ptr_array_index(snaps, i));
    closed = handle ? store_close(handle) : 0;
    r = r < 0 ? r : closed;
    return r >= 0 || store_fail(error, claimed->conn, r,
                                "cannot remove the snapshots of volume '%s/%s'",
                                claimed->pool, claimed->volume);
}

static gboolean
remove_image(const Remove *remove, StoreRemoved *ret_removed, GError **error)
{
    const StoreClaimed *claimed = remove->claimed;
    int r = rbd_remove(claimed->io, claimed->volume);

    *ret_removed = STORE_REMOVED;
    if (r >= 0 || r == -ENOENT)
        return TRUE;
    if (r == -EBUSY && claimed->flattening)
        return store_refuse(error, STORE_ERROR_BUSY,
                            "cannot remove volume '%s/%s': who flattens it has "
                            "it open, and may go on: finish that first (remora "
                            "volume flatten --wait %s/%s)",
                            claimed->pool, claimed->volume, claimed->pool,
                            claimed->volume);
    if (r != -ENOTEMPTY)
        return store_fail(error, claimed->conn, r,
                          "cannot remove volume '%s/%s', call it again",
                          claimed->pool, claimed->volume);
    *ret_removed = STORE_REMOVED_TO_TRASH;
    return store_trash(claimed->conn, claimed->pool, claimed->volume,
                       "removed, and its clones keep it", error);
}

static gboolean
carry_out(const Remove *remove,
          StoreRm what,
          StoreRemoved *ret_removed,
          GError **error)
{
    const StoreClaimed *claimed = remove->claimed;

    switch (what) {
    case STORE_RM_REMOVE:
    case STORE_RM_RETIRE:
        if (!remove_own_snaps(remove, error))
            return FALSE;
        /* If somebody may still flatten it, the removal may fail, and he would go
         * on under a snapshot that is gone. */
        if (what == STORE_RM_REMOVE && !claimed->flattening)
            (void)store_own_snap_retire(claimed->conn, &remove->origin);
        return remove_image(remove, ret_removed, error);
    case STORE_RM_TRASH:
        *ret_removed = STORE_REMOVED_TO_TRASH;
        return store_trash(claimed->conn, claimed->pool, claimed->volume,
                           "moved there by 'remora volume rm --trash'", error);
    case STORE_RM_REFUSE_SNAPSHOTS:
        return store_refuse_snapshots(claimed, &remove->family, error);
    case STORE_RM_REFUSE_CLONES:
        return store_refuse_clones(claimed, &remove->family, error);
    case STORE_RM_REFUSE_UNSEEN:
        return store_refuse_unseen(claimed, &remove->family, error);
    }
    g_return_val_if_reached(FALSE);
}

/* ---- under the claim ------------------------------------------------------------------ */

/* Who is left then has it open. */
static gboolean
end_flatten(StoreClaimed *claimed, GError **error)
{
    return store_claimed_end_flatten(claimed, error) &&
           (claimed->state != STORE_CLAIMED_WATCHED ||
            store_claimed_check(claimed, error));
}

static gboolean
remove_whole(StoreClaimed *claimed,
             bool to_trash,
             StoreRemoved *ret_removed,
             GError **error)
{
    g_auto(StoreVolumeFamily) family = {0};
    g_auto(StoreOwnSnap) origin = {0};
    Remove remove = {.claimed = claimed};
    StoreRm what;

    /* In the trash it keeps its parent, or the note. */
    if (!store_family_read(claimed, &family, error) ||
        (!to_trash && !store_own_snap_read(claimed, &origin, error)))
        return FALSE;
    remove.family = family;
    remove.origin = origin;
    what = decide(&remove, to_trash);
    if (!store_rm_refuses(what) && !end_flatten(claimed, error))
        return FALSE;
    if (!carry_out(&remove, what, ret_removed, error))
        return FALSE;
    claimed->keeps = false;
    return *ret_removed == STORE_REMOVED_TO_TRASH ||
           store_own_snap_let_go(claimed, &origin, error);
}

static gboolean
remove_claimed(StoreClaimed *claimed,
               bool to_trash,
               StoreRemoved *ret_removed,
               GError **error)
{
    const StoreDisk disk = {.pool = claimed->pool, .image = claimed->volume};
    bool finished;

    *ret_removed = STORE_REMOVED;
    if (claimed->state == STORE_CLAIMED_WATCHED)
        return store_claimed_check(claimed, error);
    if (!store_finish_removals(claimed->conn, claimed->pool, claimed->volume,
                               &finished, error))
        return FALSE;
    if (claimed->state == STORE_CLAIMED_MISSING) {
        claimed->keeps = false;
        return finished || store_claimed_check(claimed, error);
    }
    if (claimed->look.opens)
        return remove_whole(claimed, to_trash, ret_removed, error);
    if (!store_remove_headless(claimed->conn, &disk, error))
        return FALSE;
    claimed->keeps = false;
    return TRUE;
}

gboolean
store_volume_remove(StoreCluster *cluster,
                    const char *pool,
                    const char *name,
                    bool to_trash,
                    StoreRemoved *ret_removed,
                    GError **error)
{
    StoreClaimed claimed;
    GError *why = NULL;

    if (!store_volume_claim(cluster, pool, name, false, &claimed, error))
        return FALSE;
    (void)remove_claimed(&claimed, to_trash, ret_removed, &why);
    return store_volume_unclaim(&claimed, why, error);
}
