/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/migrate.c - a volume moves to another pool
 *
 * By librbd's own migration: prepare makes the volume in the other pool, where it
 * reads what it does not have yet from the source, which is in the trash by then;
 * execute copies, and commit removes the source. It is whole at every moment, so
 * that what was cut short is only to be completed.
 *
 * librbd's copy cannot be told to end (16.2: it does not heed what the callback
 * says), neither here nor by the manager's task queue. So that is not given it: a
 * task that is taken back goes on, is kept nowhere any more, and what is asked for
 * once more is answered with it; a manager that starts anew then leaves what nobody
 * ends. Until the copy is done the manager has the volume open, which keeps its guest
 * from starting, and nobody would commit (tests/integration/volume-move.t).
 */
#include "config.h"

#include "agent/rbd/volume/migrate.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/pool-space.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/volume/claimed.h"
#include "agent/rbd/volume/origin.h"
#include "agent/rbd/volume/progress.h"

#include <errno.h>

static gboolean
fail(const StoreClaimed *to, int r, const char *what, GError **error)
{
    return store_fail(error, to->conn, r, "cannot %s volume '%s' to pool '%s'",
                      what, to->volume, to->pool);
}

/* ---- the steps ----------------------------------------------------------------------- */

static gboolean
prepare(const StoreClaimed *from, const StoreClaimed *to, GError **error)
{
    g_auto(StoreOptions) options = NULL;
    int r;

    rbd_image_options_create(&options);
    r = rbd_migration_prepare(from->io, from->volume, to->io, to->volume,
                              options);
    if (r >= 0)
        r = STORE_FAULT("volume-moving");
    return r >= 0 || fail(to, r, "begin to move", error);
}

/* executed: all of it is there already. */
static gboolean
complete(const StoreClaimed *to,
         bool executed,
         StoreSteps *steps,
         GError **error)
{
    int r = executed ? 0
                     : rbd_migration_execute_with_progress(to->io, to->volume,
                                                           store_steps, steps);

    if (r >= 0)
        r = STORE_FAULT("volume-moved");
    if (r >= 0)
        r = rbd_migration_commit(to->io, to->volume);
    return r >= 0 || fail(to, r, "move", error);
}

/* Back to where it was. */
static void
take_back(const StoreClaimed *to, GError **why)
{
    int r = store_conn_may_write(to->conn, *why)
                ? rbd_migration_abort(to->io, to->volume)
                : -ESHUTDOWN;

    if (r < 0)
        g_prefix_error(why,
                       "volume '%s' is on its way to pool '%s', from which the "
                       "same call moves it on: ",
                       to->volume, to->pool);
}

/* ---- under the claims ------------------------------------------------------------------ */

static gboolean
move(const StoreClaimed *from,
     const StoreClaimed *to,
     StoreSteps *steps,
     GError **error)
{
    g_autofree char *data_pool = store_new_data_pool(to->conn, NULL);
    const char *const pools[] = {to->pool, data_pool};
    g_autoptr(GError) why = NULL;

    if (!store_claimed_check(from, error) ||
        !store_pools_check_space(to->conn, pools, G_N_ELEMENTS(pools), error))
        return FALSE;
    if (to->state != STORE_CLAIMED_MISSING)
        return store_refuse(error, STORE_ERROR_BUSY,
                            "there is '%s/%s' already: remove one of the two",
                            to->pool, to->volume);
    steps->size = from->look.size;
    /* In the other pool it is another image, of which the note does not speak. */
    if (!store_own_snap_let_go_noted(from, error))
        return FALSE;
    if (prepare(from, to, &why) && complete(to, false, steps, &why))
        return TRUE;
    take_back(to, &why);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

/* It is in the pool. Whether it is on its way still. */
static gboolean
go_on(const StoreClaimed *to,
      StoreSteps *steps,
      bool *ret_moved,
      GError **error)
{
    rbd_image_migration_status_t status = {0};
    bool executed;
    int r;

    if (!store_claimed_check(to, error))
        return FALSE;
    r = rbd_migration_status(to->io, to->volume, &status, sizeof(status));
    *ret_moved = r >= 0;
    if (r == -EINVAL || r == -ENOENT)
        return TRUE;
    if (r < 0)
        return fail(to, r, "look how far it is to move", error);
    executed = status.state == RBD_IMAGE_MIGRATION_STATE_EXECUTED;
    rbd_migration_status_cleanup(&status);
    steps->size = to->look.size;
    return complete(to, executed, steps, error);
}

gboolean
store_volume_migrate(StoreCluster *cluster,
                     const char *pool,
                     const char *name,
                     const char *to,
                     StoreProgress progress,
                     gpointer data,
                     bool *ret_moved,
                     GError **error)
{
    StoreSteps steps = {.show = progress, .data = data};
    StoreClaimed of_to;
    StoreClaimed of_from;
    GError *why = NULL;

    *ret_moved = true;
    if (!store_volume_claim(cluster, to, name, false, &of_to, error))
        return FALSE;
    if (g_str_equal(pool, to)) {
        (void)go_on(&of_to, &steps, ret_moved, &why);
        return store_volume_unclaim(&of_to, why, error);
    }
    if (store_volume_claim(cluster, pool, name, false, &of_from, &why)) {
        (void)move(&of_from, &of_to, &steps, &why);
        (void)store_volume_unclaim(&of_from, why ? g_error_copy(why) : NULL,
                                   NULL);
    }
    return store_volume_unclaim(&of_to, why, error);
}
