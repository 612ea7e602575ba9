/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/family.c - what hangs from a volume, and why that is in the way
 */
#include "config.h"

#include "agent/rbd/volume/family.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/children.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/volume/snaps.h"

#define NAMED 3u

void
store_family_clear(StoreVolumeFamily *family)
{
    g_clear_pointer(&family->snaps, g_ptr_array_unref);
    g_clear_pointer(&family->children, g_ptr_array_unref);
    g_clear_pointer(&family->unseen, g_ptr_array_unref);
}

gboolean
store_family_read(const StoreClaimed *claimed,
                  StoreVolumeFamily *ret_family,
                  GError **error)
{
    g_auto(StoreHandle) handle = NULL;
    int r = rbd_open_read_only(claimed->io, claimed->volume, &handle, NULL);

    ret_family->children =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_child_free);
    ret_family->unseen = g_ptr_array_new_with_free_func(g_free);
    if (r >= 0)
        ret_family->snaps = store_snaps_read(handle, &r);
    if (r >= 0)
        r = store_children_read(claimed->conn, claimed->io, handle,
                                ret_family->children, ret_family->unseen);
    return r >= 0 ||
           store_fail(error, claimed->conn, r, "cannot look at volume '%s/%s'",
                      claimed->pool, claimed->volume);
}

/* ---- in words ------------------------------------------------------------------------- */

/* The first few of them, each in quotes. name gives a new string, or NULL for
 * what is not meant. */
static char *
list_text(const GPtrArray *all, char *(*name)(gconstpointer item))
{
    GString *text = g_string_new(NULL);
    guint n = 0;

    for (guint i = 0; i < all->len; i++) {
        g_autofree char *one = name(g_ptr_array_index(all, i));

        if (one && n++ < NAMED)
            g_string_append_printf(text, "%s'%s'", n > 1 ? ", " : "", one);
    }
    if (n > NAMED)
        g_string_append_printf(text, " and %u more", n - NAMED);
    return g_string_free(text, FALSE);
}

static char *
snapshot_text(gconstpointer item)
{
    const StoreVolumeSnap *snap = item;

    return snap->own ? NULL : g_strdup(snap->name);
}

static char *
pool_text(gconstpointer item)
{
    return g_strdup(item);
}

gboolean
store_refuse_snapshots(const StoreClaimed *claimed,
                       const StoreVolumeFamily *family,
                       GError **error)
{
    g_autofree char *names = list_text(family->snaps, snapshot_text);

    return store_refuse(error, STORE_ERROR_BUSY,
                        "volume '%s/%s' has the snapshots %s: remove them "
                        "first (remora volume snapshot rm), or move it to the "
                        "trash with them (remora volume rm --trash)",
                        claimed->pool, claimed->volume, names);
}

gboolean
store_refuse_clones(const StoreClaimed *claimed,
                    const StoreVolumeFamily *family,
                    GError **error)
{
    g_autofree char *names = store_children_text(family->children, 1);

    return store_refuse(error, STORE_ERROR_BUSY,
                        "volume '%s/%s' is in use by its clones %s, which are "
                        "of format 1: remove or flatten them first (rbd "
                        "flatten)",
                        claimed->pool, claimed->volume, names);
}

gboolean
store_refuse_unseen(const StoreClaimed *claimed,
                    const StoreVolumeFamily *family,
                    GError **error)
{
    g_autofree char *pools = list_text(family->unseen, pool_text);

    return store_refuse(error, STORE_ERROR_FAILED,
                        "volume '%s/%s' may have clones of format 1 in pool "
                        "%s, where client.%s may not look: add 'allow "
                        "class-read object_prefix rbd_children' to its osd "
                        "caps (ceph auth caps)",
                        claimed->pool, claimed->volume, pools,
                        store_cluster_user(claimed->conn->cluster));
}
