/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/purge-facts.c - what decides whether an image may go from the trash
 */
#include "config.h"

#include "agent/rbd/image/purge-facts.h"

#include "agent/rbd/image/children.h"
#include "agent/rbd/image/watchers.h"

#include <errno.h>
#include <rbd/librbd.h>

#define SNAPS_MAX 65536
#define ID_BYTES  128u
#define SPACE_MAX 256u

void
store_purge_seen_clear(StorePurgeSeen *seen)
{
    g_clear_pointer(&seen->children, g_ptr_array_unref);
    g_clear_pointer(&seen->watchers, g_strfreev);
}

char *
store_purge_key(gint64 pool, const char *space, const char *id)
{
    return g_strdup_printf("%" G_GINT64_FORMAT "/%s/%s", pool,
                           space ? space : "", id);
}

char *
store_purge_snap_key(gint64 pool,
                     const char *space,
                     const char *id,
                     guint64 snap_id)
{
    return g_strdup_printf("%" G_GINT64_FORMAT "/%s/%s@%" G_GUINT64_FORMAT,
                           pool, space ? space : "", id, snap_id);
}

/* ---- its snapshots ------------------------------------------------------------- */

/* Where it is, and what it is called there. */
typedef struct {
    gint64 pool;
    char space[SPACE_MAX];
    char id[ID_BYTES];
} Place;

static int
read_place(rados_ioctx_t io, rbd_image_t handle, Place *ret)
{
    int r = rbd_get_id(handle, ret->id, sizeof(ret->id));

    ret->pool = rados_ioctx_get_id(io);
    if (r >= 0)
        r = rados_ioctx_get_namespace(io, ret->space, sizeof(ret->space));
    return r;
}

static bool
counts(rbd_image_t handle,
       const Place *place,
       guint64 snap_id,
       GHashTable *first)
{
    rbd_snap_namespace_type_t type = RBD_SNAP_NAMESPACE_TYPE_USER;
    g_autofree char *key =
        store_purge_snap_key(place->pool, place->space, place->id, snap_id);

    return rbd_snap_get_namespace_type(handle, snap_id, &type) >= 0 &&
           type == RBD_SNAP_NAMESPACE_TYPE_USER &&
           !(first && g_hash_table_contains(first, key));
}

static int
count_snaps(rados_ioctx_t io,
            rbd_image_t handle,
            GHashTable *first,
            guint *ret_snaps)
{
    g_autofree rbd_snap_info_t *infos = NULL;
    Place place = {0};
    int max = 64;
    int n = -ERANGE;
    int r = read_place(io, handle, &place);

    if (r < 0)
        return r;
    while (n == -ERANGE && max <= SNAPS_MAX) {
        g_free(infos);
        infos = g_new0(rbd_snap_info_t, max);
        n = rbd_snap_list(handle, infos, &max);
    }
    for (int i = 0; i < n; i++)
        *ret_snaps += counts(handle, &place, infos[i].id, first) ? 1 : 0;
    if (n > 0)
        rbd_snap_list_end(infos);
    return MIN(n, 0);
}

/* ---- its clones ---------------------------------------------------------------- */

static guint
count_clones(const GPtrArray *children, GHashTable *first)
{
    guint n = 0;

    for (guint i = 0; i < children->len; i++) {
        const StoreChild *child = g_ptr_array_index(children, i);
        g_autofree char *key =
            store_purge_key(child->pool_id, child->space, child->id);

        n += first && g_hash_table_contains(first, key) ? 0 : 1;
    }
    return n;
}

/* ---- all of it ----------------------------------------------------------------- */

int
store_purge_facts_read(StoreConn *conn,
                       gpointer io,
                       gpointer handle,
                       GHashTable *first,
                       StorePurgeSeen *ret_seen)
{
    g_autoptr(GPtrArray) unseen = g_ptr_array_new_with_free_func(g_free);
    StorePurgeFacts *facts = &ret_seen->facts;
    bool crowded = false;
    int r = count_snaps(io, handle, first, &facts->snapshots);

    ret_seen->children =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_child_free);
    if (r >= 0)
        r = store_children_read(conn, io, handle, ret_seen->children, unseen);
    if (r >= 0)
        r = store_watchers_read(handle, &ret_seen->watchers, &crowded);
    facts->clones = count_clones(ret_seen->children, first);
    facts->watched = crowded || (ret_seen->watchers && ret_seen->watchers[0]);
    return r;
}
