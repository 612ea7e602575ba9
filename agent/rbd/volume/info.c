/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/info.c - all that can be said of volumes
 *
 * An image and its claim are read one after the other: what is shown is what was
 * so a moment ago, good to look at, never to decide by.
 */
#include "config.h"

#include "agent/rbd/volume/info.h"

#include "agent/rbd/claim/object.h"
#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/pool-space.h"
#include "agent/rbd/image/children.h"
#include "agent/rbd/image/depth.h"
#include "agent/rbd/image/format.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/head.h"
#include "agent/rbd/image/list.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/volume/name.h"
#include "agent/rbd/volume/others.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
store_volume_free(StoreVolume *volume)
{
    if (!volume)
        return;
    g_free(volume->pool);
    g_free(volume->name);
    g_free(volume->parent);
    g_free(volume->claim_phase);
    g_free(volume->claim_host);
    g_free(volume->claim_domain);
    g_free(volume->data_pool);
    g_strfreev(volume->watchers);
    g_clear_pointer(&volume->snaps, g_ptr_array_unref);
    g_clear_pointer(&volume->children, g_ptr_array_unref);
    g_clear_pointer(&volume->unseen, g_ptr_array_unref);
    g_free(volume);
}

/* ---- what each has ----------------------------------------------------------------- */

static void
set_claim(StoreVolume *volume,
          const StoreRecord *record,
          StoreVolumeFacts *facts)
{
    facts->claimed = record->phase == STORE_PHASE_BUILDING;
    facts->found = record->adopted != NULL;
    facts->guest = record->phase == STORE_PHASE_HANDED ||
                   record->phase == STORE_PHASE_RUNNING;
    volume->claim_phase = g_strdup(store_phase_word(record->phase));
    volume->claim_host = g_strdup(record->who.place.host);
    if (facts->guest)
        volume->claim_domain = g_strdup(record->who.domain);
}

/* One that goes away meanwhile is not flattened. All of its watchers stay in look. */
static gboolean
read_others(StoreConn *conn,
            const char *pool,
            const char *name,
            StoreLook *look,
            StoreVolumeFacts *facts,
            GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_auto(GStrv) all = g_strdupv(look->watchers);
    StoreOthers others;
    int r;

    if (!store_ioctx(conn, pool, &io, error))
        return FALSE;
    r = store_others_read(conn, io, pool, name, look, &others);
    g_strfreev(look->watchers);
    look->watchers = g_steal_pointer(&all);
    facts->watched = others.watched;
    facts->flattening = others.flattening;
    facts->by_mgr = others.at_work;
    return r >= 0 || r == -ENOENT ||
           store_fail(error, conn, r, "cannot look at '%s/%s'", pool, name);
}

/* NULL without an error: it is not there. */
static StoreVolume *
read_one(StoreConn *conn, const char *pool, const char *name, GError **error)
{
    g_auto(StoreLook) look = {0};
    g_auto(StoreClaimSeen) claim = {0};
    g_autoptr(StoreVolume) volume = NULL;
    StoreVolumeFacts facts = {0};
    int r;

    if (!store_look(conn, pool, name, NULL, &look, error))
        return NULL;
    r = store_claim_read(conn, pool, name, &claim);
    if (r < 0 && r != -ENOENT && r != -EINVAL) {
        store_fail(error, conn, r, "cannot read the claim on '%s/%s'", pool,
                   name);
        return NULL;
    }
    if (!look.there)
        return NULL;
    volume = g_new0(StoreVolume, 1);
    facts.opens = look.opens;
    facts.filling = look.building;
    if (!read_others(conn, pool, name, &look, &facts, error))
        return NULL;
    if (claim.record)
        set_claim(volume, claim.record, &facts);
    volume->status = store_volume_status(&facts);
    volume->pool = g_strdup(pool);
    volume->name = g_strdup(name);
    volume->size = look.size;
    volume->n_snapshots = look.snaps;
    volume->parent = g_steal_pointer(&look.parent_name);
    volume->watchers = g_steal_pointer(&look.watchers);
    return g_steal_pointer(&volume);
}

/* ---- the list ------------------------------------------------------------------------ */

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *
store_volume_list(StoreCluster *cluster, const char *pool, GError **error)
{
    g_auto(GStrv) names = store_image_names(cluster, pool, error);
    g_autoptr(StoreConn) conn =
        names ? store_conn_acquire(cluster, error) : NULL;
    g_autoptr(GPtrArray) volumes =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_volume_free);

    if (!conn)
        return NULL;
    qsort(names, g_strv_length(names), sizeof(*names), by_name);
    for (gsize i = 0; names[i]; i++) {
        g_autoptr(GError) why = NULL;
        StoreVolume *volume;

        if (!store_volume_uuid(names[i]))
            continue;
        volume = read_one(conn, pool, names[i], &why);
        if (volume)
            g_ptr_array_add(volumes, volume);
        if (!why)
            continue;
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    return g_steal_pointer(&volumes);
}

/* ---- one ------------------------------------------------------------------------------ */

static int
read_luks(rbd_image_t handle, StoreVolume *volume)
{
    guint8 head[16] = {0};
    gssize got = store_head_read(handle, 0, head, sizeof(head));

    if (got > 0)
        volume->luks = store_format_luks(head, (gsize)got);
    return got < 0 ? (int)got : 0;
}

static int
read_more(StoreConn *conn,
          rados_ioctx_t io,
          rbd_image_t handle,
          StoreVolume *volume)
{
    struct timespec created = {0};
    rbd_image_info_t stat;
    int r = rbd_stat(handle, &stat, sizeof(stat));

    if (r >= 0)
        r = rbd_get_features(handle, &volume->features);
    if (r >= 0)
        r = rbd_get_create_timestamp(handle, &created);
    if (r >= 0)
        r = read_luks(handle, volume);
    if (r >= 0)
        volume->snaps = store_snaps_read(handle, &r);
    if (r >= 0)
        r = store_children_read(conn, io, handle, volume->children,
                                volume->unseen);
    if (r < 0)
        return r;
    volume->depth = store_depth(conn, handle, STORE_VOLUME_PREFIX);
    volume->object_size = stat.obj_size;
    volume->created = created.tv_sec;
    volume->data_pool = store_data_pool(conn, handle, volume->pool);
    return 0;
}

static gboolean
open_and_read_more(StoreConn *conn, StoreVolume *volume, GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    int r;

    if (!store_ioctx(conn, volume->pool, &io, error))
        return FALSE;
    r = rbd_open_read_only(io, volume->name, &handle, NULL);
    if (r == -ENOENT)
        return TRUE;
    if (r >= 0)
        r = read_more(conn, io, handle, volume);
    return r >= 0 || store_fail(error, conn, r, "cannot look at volume '%s/%s'",
                                volume->pool, volume->name);
}

StoreVolume *
store_volume_show(StoreCluster *cluster,
                  const char *pool,
                  const char *name,
                  GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_autoptr(StoreVolume) volume = NULL;
    g_autoptr(GError) why = NULL;

    if (!conn)
        return NULL;
    volume = read_one(conn, pool, name, &why);
    if (!volume && !why)
        store_refuse(&why, STORE_ERROR_MISSING,
                     "no volume '%s/%s' (remora volume list)", pool, name);
    if (volume) {
        volume->snaps = g_ptr_array_new();
        volume->children =
            g_ptr_array_new_with_free_func((GDestroyNotify)store_child_free);
        volume->unseen = g_ptr_array_new_with_free_func(g_free);
        (void)open_and_read_more(conn, volume, &why);
    }
    if (!why)
        return g_steal_pointer(&volume);
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}
