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

/* ---- its snapshots ------------------------------------------------------------- */

static int
count_snaps(rbd_image_t handle, guint *ret_snaps)
{
    g_autofree rbd_snap_info_t *infos = NULL;
    int room = 64;
    int n = -ERANGE;

    while (n == -ERANGE && room <= SNAPS_MAX) {
        g_free(infos);
        infos = g_new0(rbd_snap_info_t, room);
        n = rbd_snap_list(handle, infos, &room);
    }
    for (int i = 0; i < n; i++) {
        rbd_snap_namespace_type_t type = RBD_SNAP_NAMESPACE_TYPE_USER;

        if (rbd_snap_get_namespace_type(handle, infos[i].id, &type) >= 0 &&
            type == RBD_SNAP_NAMESPACE_TYPE_USER)
            (*ret_snaps)++;
    }
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
    int r = count_snaps(handle, &facts->snapshots);

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
