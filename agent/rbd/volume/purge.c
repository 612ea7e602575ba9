/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/purge.c - the trash is purged, volumes with what was made for them
 *
 * As 'volume rm' does it: the snapshot goes first, to the trash of its image's
 * snapshots, from where librbd removes it with the clone, whoever that is removed by:
 * so the manager may go on with it by itself, and nothing is lost with who dies in
 * between. Where it cannot go first, who removes the clone has to come back for it.
 */
#include "config.h"

#include "agent/rbd/volume/purge.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/flattening.h"
#include "agent/rbd/image/purge-facts.h"
#include "agent/rbd/volume/name.h"
#include "agent/rbd/volume/origin.h"

#include <errno.h>
#include <rados/librados.h>

#define POOL_BYTES 256u

typedef struct {
    StoreOwnSnap origin;
    bool flattening; /* a mark says that it is to have no parent */
} Behind;

static void
behind_free(gpointer data)
{
    Behind *behind = data;

    store_own_snap_clear(&behind->origin);
    g_free(behind);
}

static gpointer
on_read(StoreConn *conn,
        gpointer handle,
        const StoreTrashed *trashed,
        GError **error)
{
    g_auto(StoreFlattenMark) mark = {0};
    g_auto(StoreOwnSnap) origin = {0};
    Behind *behind;
    int r;

    if (!store_own_snap_read_trashed(conn, handle, trashed, &origin, error) ||
        !origin.own)
        return NULL;
    r = store_flatten_mark_read(handle, trashed->id, &mark);
    if (r < 0) {
        store_fail(error, conn, r, "cannot read whether it is flattened");
        return NULL;
    }
    behind = g_new0(Behind, 1);
    behind->flattening = mark.wanted;
    behind->origin = origin;
    origin = (StoreOwnSnap){0};
    return behind;
}

static char *
on_key(gconstpointer data)
{
    const StoreOwnSnap *origin = &((const Behind *)data)->origin;

    return store_purge_snap_key(origin->pool, origin->space, origin->id,
                                origin->snap_id);
}

/* If somebody may still flatten it, the removal may fail, and he would go on under a
 * snapshot that is gone. And librbd removes no images that Cinder has kept. */
static bool
on_going(StoreConn *conn, gpointer data)
{
    const Behind *behind = data;

    return !behind->flattening && !store_own_snap_is_kept(&behind->origin) &&
           store_own_snap_retire(conn, &behind->origin) >= 0;
}

/* ---- it stays ------------------------------------------------------------------------ */

/* 'volume snapshot rm' takes no other names, and what is in the trash has none. */
static char *
way_out(const StoreOwnSnap *origin, const char *pool)
{
    bool ours = origin->name && store_volume_uuid(origin->name) &&
                !*origin->space && !origin->in_trash;

    if (ours)
        return g_strdup_printf("remora volume snapshot rm %s/%s %s", pool,
                               origin->name, origin->snap);
    return g_strdup_printf("rbd snap unprotect and rbd snap rm, --pool %s%s%s "
                           "--image-id %s --snap %s",
                           pool, *origin->space ? " --namespace " : "",
                           origin->space, origin->id, origin->snap);
}

static char *
on_gone(StoreConn *conn, gpointer data)
{
    const StoreOwnSnap *origin = &((const Behind *)data)->origin;
    char pool[POOL_BYTES] = "?";
    g_autoptr(GError) error = NULL;
    g_autofree char *way = NULL;
    int r = store_own_snap_drop(conn, origin);

    if (store_own_snap_is_enough(r))
        return NULL;
    (void)rados_pool_reverse_lookup(conn->rados, origin->pool, pool,
                                    sizeof(pool));
    way = way_out(origin, pool);
    store_fail(&error, conn, r, "cannot remove the snapshot '%s/%s%s%s@%s'",
               pool, origin->space, *origin->space ? "/" : "",
               origin->name ? origin->name : origin->id, origin->snap);
    return g_strdup_printf("%s: it was made for this clone alone, remove it "
                           "(%s)",
                           error->message, way);
}

/* ---- all of it ------------------------------------------------------------------------- */

GPtrArray *
store_volume_purge(StoreCluster *cluster,
                   const char *pool,
                   const StorePurgeHow *how,
                   GError **error)
{
    static const StorePurgeBehind behind = {.read = on_read,
                                            .key = on_key,
                                            .going = on_going,
                                            .gone = on_gone,
                                            .free = behind_free};
    StorePurgeHow with = *how;

    with.behind = &behind;
    return store_trash_purge(cluster, pool, &with, error);
}
