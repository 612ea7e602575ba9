/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/parent.c - can this snapshot be cloned?
 *
 * The look costs an open, about a third of what a clone costs, so what was
 * found is remembered. A Glance image does not change under its name, but it
 * may be deleted and another made with the same name: therefore the memory
 * holds the image's own id and the snapshot's, and whoever clones asks whether
 * they still have those names, or compares them with the parent that the clone
 * really got.
 */
#include "config.h"

#include "agent/rbd/image/parent.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/depth.h"
#include "agent/rbd/image/format.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/head.h"
#include "agent/rbd/image/namespace.h"

#include <errno.h>
#include <string.h>

/* What is remembered; more is not kept than this many. */
#define PARENTS_MAX 4096u
#define SNAPS_MAX   1024

static char *
parent_key(const StoreParent *parent)
{
    return g_strdup_printf("%s/%s@%s", parent->pool, parent->image,
                           parent->snap);
}

/* what: ends with a space. */
static gboolean
fail(StoreConn *conn,
     int r,
     const StoreParent *parent,
     const char *what,
     GError **error)
{
    store_conn_note(conn, r, parent->pool, parent->image);
    return store_fail(error, NULL, r, "cannot %s'%s/%s'", what, parent->pool,
                      parent->image);
}

static gboolean
find_snap(StoreConn *conn,
          rbd_image_t handle,
          const StoreParent *parent,
          StoreFound *found,
          GError **error)
{
    int max = SNAPS_MAX;
    g_autofree rbd_snap_info_t *snaps = g_new0(rbd_snap_info_t, SNAPS_MAX);
    int n = rbd_snap_list(handle, snaps, &max);
    bool there = false;

    if (n < 0)
        return fail(conn, n, parent, "list the snapshots of ", error);
    for (int i = 0; i < n; i++) {
        if (strcmp(snaps[i].name, parent->snap) != 0)
            continue;
        found->snap_id = snaps[i].id;
        found->size = snaps[i].size;
        there = true;
    }
    rbd_snap_list_end(snaps);
    if (!there)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "image '%s/%s' has no snapshot '%s': is it an "
                            "image that Glance or 'remora image add' has "
                            "finished? (rbd snap ls %s/%s)",
                            parent->pool, parent->image, parent->snap,
                            parent->pool, parent->image);
    return TRUE;
}

typedef struct {
    rbd_image_t handle; /* at the snapshot */
    int r;              /* what the first read that failed returned */
} Head;

static bool
read_head(gpointer data, guint64 offset, guint8 *buffer, gsize len)
{
    Head *head = data;
    gssize got = store_head_read(head->handle, offset, buffer, len);

    if (got < 0) {
        head->r = (int)got;
        return false;
    }
    memset(buffer + got, 0, len - (gsize)got);
    return true;
}

static gboolean
find_format(StoreConn *conn,
            rbd_image_t handle,
            const StoreParent *parent,
            StoreFound *found,
            GError **error)
{
    guint8 bytes[STORE_HEAD_BYTES];
    Head head = {.handle = handle};
    int r = rbd_snap_set(handle, parent->snap);

    if (r < 0)
        return fail(conn, r, parent, "open the snapshot of ", error);
    if (read_head(&head, 0, bytes, sizeof(bytes))) {
        found->format = store_format_sniff(bytes, sizeof(bytes));
        if (!found->format ||
            store_header_check(found->format, read_head, &head, &found->header))
            return TRUE;
    }
    return fail(conn, head.r, parent, "read the snapshot of ", error);
}

static gboolean
look(StoreConn *conn,
     const StoreParent *parent,
     StoreFound *found,
     GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    rbd_image_info_t info;
    const char *image;
    int r;

    if (!store_parent_ioctx(conn, parent->pool, parent->image, &io, &image,
                            error))
        return FALSE;
    /* Read-only: the user may not write to the image pool. */
    r = rbd_open_read_only(io, image, &handle, NULL);
    if (r == -ENOENT)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "image '%s/%s' does not exist: is it still in "
                            "Glance? (rbd ls %s)",
                            parent->pool, parent->image, parent->pool);
    if (r < 0)
        return fail(conn, r, parent, "open image ", error);
    r = rbd_get_id(handle, found->id, sizeof(found->id));
    if (r >= 0)
        r = rbd_stat(handle, &info, sizeof(info));
    if (r >= 0)
        r = STORE_FAULT("parent-found");
    if (r < 0)
        return fail(conn, r, parent, "read image ", error);
    found->object_size = info.obj_size;
    if (!find_snap(conn, handle, parent, found, error) ||
        !find_format(conn, handle, parent, found, error))
        return FALSE;
    found->depth = store_depth(conn, handle, "");
    return TRUE;
}

/* ---- what is remembered ------------------------------------------------------- */

typedef struct {
    GMutex lock;    /* guards the next */
    GHashTable *at; /* 'pool/image@snap' -> StoreFound */
} Parents;

static void
parents_init(gpointer opaque)
{
    Parents *parents = opaque;

    g_mutex_init(&parents->lock);
    parents->at =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static void
parents_clear(gpointer opaque)
{
    Parents *parents = opaque;

    g_mutex_clear(&parents->lock);
    g_hash_table_unref(parents->at);
}

static Parents *
parents_of(const StoreCluster *cluster)
{
    static const StorePart part = {sizeof(Parents), parents_init, NULL,
                                   parents_clear};

    return store_cluster_part(cluster, &part);
}

static bool
recall(StoreCluster *cluster, const char *key, StoreFound *ret_found)
{
    Parents *parents = parents_of(cluster);
    const StoreFound *known;

    g_mutex_lock(&parents->lock);
    known = g_hash_table_lookup(parents->at, key);
    if (known)
        *ret_found = *known;
    g_mutex_unlock(&parents->lock);
    return known != NULL;
}

static void
remember(StoreCluster *cluster, const char *key, const StoreFound *found)
{
    Parents *parents = parents_of(cluster);

    g_mutex_lock(&parents->lock);
    if (g_hash_table_size(parents->at) >= PARENTS_MAX)
        g_hash_table_remove_all(parents->at);
    g_hash_table_replace(parents->at, g_strdup(key),
                         g_memdup2(found, sizeof(*found)));
    g_mutex_unlock(&parents->lock);
}

void
store_parent_forget(StoreCluster *cluster, const StoreParent *parent)
{
    g_autofree char *key = parent_key(parent);
    Parents *parents = parents_of(cluster);

    g_mutex_lock(&parents->lock);
    g_hash_table_remove(parents->at, key);
    g_mutex_unlock(&parents->lock);
}

gboolean
store_parent_look(StoreConn *conn,
                  const StoreParent *parent,
                  StoreFound *ret_found,
                  GError **error)
{
    g_autofree char *key = parent_key(parent);
    StoreFound found = {0};

    if (recall(conn->cluster, key, ret_found))
        return TRUE;
    if (!look(conn, parent, &found, error))
        return FALSE;
    remember(conn->cluster, key, &found);
    *ret_found = found;
    return TRUE;
}

gboolean
store_parent_find(StoreConn *conn,
                  const StoreParent *parent,
                  StoreFound *ret_found,
                  GError **error)
{
    if (!store_parent_look(conn, parent, ret_found, error))
        return FALSE;
    return !ret_found->format ||
           store_refuse(error, STORE_ERROR_REFUSED,
                        "image '%s/%s' holds %s and only raw images can "
                        "be cloned: convert it (qemu-img convert -O raw) "
                        "and add it again",
                        parent->pool, parent->image, ret_found->format);
}
