/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/tree.c - images, their snapshots, and the clones of those
 *
 * Each image is opened once, read-only. Its clones and its parent are looked at
 * after it, by their ids, so that those in the trash and in pools that nobody has
 * named are there, too. What cannot be opened is still shown, by its id.
 */
#include "config.h"

#include "agent/rbd/image/tree.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/names.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/children.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/list.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/image/watchers.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <string.h>

#define SNAPS_MAX  1024
#define NAME_BYTES 512u
#define MARK_MAX   1024u

static void
snap_free(gpointer data)
{
    StoreTreeSnap *snap = data;

    g_free(snap->name);
    g_free(snap);
}

void
store_tree_image_free(StoreTreeImage *image)
{
    if (!image)
        return;
    g_free(image->pool);
    g_free(image->space);
    g_free(image->id);
    g_free(image->name);
    g_free(image->owner);
    g_strfreev(image->watchers);
    g_ptr_array_unref(image->snaps);
    g_free(image->parent_space);
    g_free(image->parent_id);
    g_free(image);
}

static StoreTreeImage *
image_new(gint64 pool_id, const char *space, const char *id)
{
    StoreTreeImage *image = g_new0(StoreTreeImage, 1);

    image->pool_id = pool_id;
    image->space = g_strdup(space ? space : "");
    image->id = g_strdup(id);
    image->snaps = g_ptr_array_new_with_free_func(snap_free);
    return image;
}

/* ---- links ----------------------------------------------------------------------- */

static char *
key_of(gint64 pool_id, const char *id)
{
    return g_strdup_printf("%" G_GINT64_FORMAT "/%s", pool_id, id);
}

static guint
depth_of(const StoreTreeImage *image, guint most)
{
    guint depth = 0;

    for (image = image->parent; image && depth < most; image = image->parent)
        depth++;
    return depth;
}

void
store_tree_link(GPtrArray *images)
{
    g_autoptr(GHashTable) known =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < images->len; i++) {
        StoreTreeImage *image = g_ptr_array_index(images, i);

        g_hash_table_insert(known, key_of(image->pool_id, image->id), image);
    }
    for (guint i = 0; i < images->len; i++) {
        StoreTreeImage *image = g_ptr_array_index(images, i);

        if (image->parent_id) {
            g_autofree char *key =
                key_of(image->parent_pool_id, image->parent_id);

            image->parent = g_hash_table_lookup(known, key);
        }
        /* So far those behind it have none. */
        if (depth_of(image, images->len) >= images->len)
            image->parent = NULL;
    }
    for (guint i = 0; i < images->len; i++) {
        StoreTreeImage *image = g_ptr_array_index(images, i);

        image->depth = depth_of(image, images->len);
    }
}

const StoreTreeSnap *
store_tree_snap_of(const StoreTreeImage *image)
{
    const GPtrArray *snaps = image->parent ? image->parent->snaps : NULL;

    for (guint i = 0; snaps && i < snaps->len; i++) {
        const StoreTreeSnap *snap = g_ptr_array_index(snaps, i);

        if (snap->id == image->parent_snap)
            return snap;
    }
    return NULL;
}

/* ---- one image -------------------------------------------------------------------- */

static int
add_used(uint64_t offset, size_t len, int exists, void *opaque)
{
    guint64 *used = opaque;

    (void)offset;
    if (exists)
        *used += len;
    return 0;
}

/* At the snapshot that the handle is at, or now. */
static int
read_used(rbd_image_t handle, guint64 *ret_used)
{
    uint64_t size = 0;
    int r = rbd_get_size(handle, &size);

    *ret_used = 0;
    if (r >= 0 && size > 0)
        r = rbd_diff_iterate2(handle, NULL, 0, size, 0, 1, add_used, ret_used);
    return r;
}

static int
read_snap(rbd_image_t handle, const rbd_snap_info_t *info, StoreTreeSnap *snap)
{
    rbd_snap_namespace_type_t type = RBD_SNAP_NAMESPACE_TYPE_USER;
    char name[NAME_BYTES] = "";
    int is_protected = 0;
    int r;

    snap->id = info->id;
    snap->size = info->size;
    (void)rbd_snap_get_namespace_type(handle, info->id, &type);
    snap->removed = type != RBD_SNAP_NAMESPACE_TYPE_USER;
    if (type == RBD_SNAP_NAMESPACE_TYPE_TRASH)
        (void)rbd_snap_get_trash_namespace(handle, info->id, name,
                                           sizeof(name));
    else if (type == RBD_SNAP_NAMESPACE_TYPE_USER)
        (void)rbd_snap_is_protected(handle, info->name, &is_protected);
    snap->protected_snap = is_protected != 0;
    snap->name = g_strdup(name[0] ? name : info->name);
    r = rbd_snap_set_by_id(handle, info->id);
    return r < 0 ? r : read_used(handle, &snap->used);
}

static int
read_snaps(rbd_image_t handle, StoreTreeImage *image)
{
    g_autofree rbd_snap_info_t *infos = g_new0(rbd_snap_info_t, SNAPS_MAX);
    int max = SNAPS_MAX;
    int n = rbd_snap_list(handle, infos, &max);
    int r = 0;

    for (int i = 0; i < n && r >= 0; i++) {
        StoreTreeSnap *snap = g_new0(StoreTreeSnap, 1);

        r = read_snap(handle, &infos[i], snap);
        g_ptr_array_add(image->snaps, snap);
    }
    if (n > 0)
        rbd_snap_list_end(infos);
    if (n < 0 || r < 0)
        return n < 0 ? n : r;
    return rbd_snap_set(handle, NULL);
}

static int
read_parent(rbd_image_t handle, StoreTreeImage *image)
{
    rbd_linked_image_spec_t parent = {0};
    rbd_snap_spec_t snap = {0};
    int r = rbd_get_parent(handle, &parent, &snap);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    image->parent_pool_id = parent.pool_id;
    image->parent_space = g_strdup(parent.pool_namespace);
    image->parent_id = g_strdup(parent.image_id);
    image->parent_snap = snap.id;
    rbd_linked_image_spec_cleanup(&parent);
    rbd_snap_spec_cleanup(&snap);
    return 0;
}

/* A clone has its parent's mark, too, which names another id. */
static void
read_owner(rbd_image_t handle, StoreTreeImage *image)
{
    char text[MARK_MAX] = "";
    size_t len = sizeof(text) - 1;

    if (rbd_metadata_get(handle, STORE_MARK_KEY, text, &len) < 0)
        return;
    g_autofree char *id = store_word(text, "id");
    if (strcmp(id, image->id) == 0)
        image->owner = store_word(text, "owner");
}

static int
read_all(rbd_image_t handle, StoreTreeImage *image)
{
    uint64_t size = 0;
    int r = rbd_get_size(handle, &size);

    image->size = size;
    if (r >= 0)
        r = read_used(handle, &image->used);
    if (r >= 0)
        r = read_parent(handle, image);
    if (r >= 0)
        r = store_watchers_read(handle, &image->watchers, &image->crowded);
    if (r >= 0)
        r = read_snaps(handle, image);
    if (r >= 0)
        read_owner(handle, image);
    return r;
}

/* ---- all of them ------------------------------------------------------------------ */

typedef struct {
    StoreConn *conn;
    GPtrArray
        *images; /* of StoreTreeImage; those behind 'next' are to be read */
    GHashTable *known; /* by key_of() */
} Walk;

static StoreTreeImage *
walk_add(Walk *walk, gint64 pool_id, const char *space, const char *id)
{
    char *key = key_of(pool_id, id);
    StoreTreeImage *image;

    if (g_hash_table_contains(walk->known, key) ||
        walk->images->len >= STORE_TREE_MAX) {
        g_free(key);
        return NULL;
    }
    g_hash_table_add(walk->known, key);
    image = image_new(pool_id, space, id);
    g_ptr_array_add(walk->images, image);
    return image;
}

static void
add_children(Walk *walk, const GPtrArray *children)
{
    for (guint i = 0; i < children->len; i++) {
        const StoreChild *child = g_ptr_array_index(children, i);
        StoreTreeImage *image =
            walk_add(walk, child->pool_id, child->space, child->id);

        if (!image)
            continue;
        image->name = g_strdup(child->image);
        image->trash = child->trash;
    }
}

/* up: the image is only there because others hang from it. */
static int
read_family(Walk *walk, rados_ioctx_t io, rbd_image_t handle, bool up)
{
    g_autoptr(GPtrArray) children =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_child_free);
    g_autoptr(GPtrArray) unseen = g_ptr_array_new_with_free_func(g_free);
    int r = 0;

    if (!up)
        r = store_children_read(walk->conn, io, handle, children, unseen);
    add_children(walk, children);
    return r;
}

static int
open_pool(Walk *walk, StoreTreeImage *image, rados_ioctx_t *ret_io)
{
    char pool[NAME_BYTES] = "";
    int r = rados_pool_reverse_lookup(walk->conn->rados, image->pool_id, pool,
                                      sizeof(pool));

    if (r >= 0)
        r = rados_ioctx_create2(walk->conn->rados, image->pool_id, ret_io);
    if (r < 0)
        return r;
    g_free(image->pool);
    image->pool = g_strdup(pool);
    rados_ioctx_set_namespace(*ret_io, image->space);
    return 0;
}

static void
read_name(rbd_image_t handle, StoreTreeImage *image)
{
    char name[NAME_BYTES] = "";
    size_t len = sizeof(name);

    if (!image->name && rbd_get_name(handle, name, &len) >= 0)
        image->name = g_strdup(name);
}

/* What cannot be opened stays unseen. */
static int
read_one(Walk *walk, StoreTreeImage *image, bool up)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    int r = open_pool(walk, image, &io);

    if (r >= 0)
        r = rbd_open_by_id_read_only(io, image->id, &handle, NULL);
    if (r >= 0)
        r = read_all(handle, image);
    if (r == -ENOENT || r == -EPERM || r == -EACCES)
        return 0;
    if (r < 0)
        return r;
    image->seen = true;
    read_name(handle, image);
    return read_family(walk, io, handle, up);
}

/* Those above what is there, one after the other. */
static int
read_above(Walk *walk)
{
    int r = 0;

    for (guint i = 0; r >= 0 && i < walk->images->len; i++) {
        const StoreTreeImage *image = g_ptr_array_index(walk->images, i);
        StoreTreeImage *parent =
            image->parent_id ? walk_add(walk, image->parent_pool_id,
                                        image->parent_space, image->parent_id)
                             : NULL;

        if (parent)
            r = read_one(walk, parent, true);
    }
    return r;
}

static gboolean
read_walk(Walk *walk, GError **error)
{
    int r = 0;

    for (guint i = 0; r >= 0 && i < walk->images->len; i++)
        r = read_one(walk, g_ptr_array_index(walk->images, i), false);
    if (r >= 0)
        r = read_above(walk);
    if (r < 0)
        return store_fail(error, walk->conn, r, "cannot look at all images");
    store_tree_link(walk->images);
    return TRUE;
}

static void
walk_clear(Walk *walk)
{
    g_clear_pointer(&walk->images, g_ptr_array_unref);
    g_clear_pointer(&walk->known, g_hash_table_unref);
    store_conn_unref(walk->conn);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, walk_clear)

static gboolean
walk_init(Walk *walk, StoreCluster *cluster, GError **error)
{
    walk->conn = store_conn_acquire(cluster, error);
    walk->images =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_tree_image_free);
    walk->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return walk->conn != NULL;
}

static gboolean
add_named(Walk *walk,
          rados_ioctx_t io,
          const char *pool,
          const char *image,
          GError **error)
{
    char id[128] = "";
    int r = store_id_read(io, image, id, sizeof(id));
    StoreTreeImage *added;

    if (r == -ENOENT)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "no image '%s/%s' (rbd ls %s)", pool, image, pool);
    if (r < 0)
        return store_fail(error, walk->conn, r, "cannot look at image '%s/%s'",
                          pool, image);
    added = walk_add(walk, rados_ioctx_get_id(io), "", id);
    if (added)
        added->name = g_strdup(image);
    return TRUE;
}

/* One that goes away meanwhile is left out. */
static gboolean
add_pool(Walk *walk, StoreCluster *cluster, const char *pool, GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_auto(GStrv) names = store_image_names(cluster, pool, error);

    if (!names || !store_ioctx(walk->conn, pool, &io, error))
        return FALSE;
    for (gsize i = 0; names[i]; i++) {
        g_autoptr(GError) why = NULL;

        if (add_named(walk, io, pool, names[i], &why) ||
            g_error_matches(why, STORE_ERROR, STORE_ERROR_MISSING))
            continue;
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    return TRUE;
}

GPtrArray *
store_tree_read(StoreCluster *cluster, const char *const *pools, GError **error)
{
    g_auto(Walk) walk = {0};

    if (!walk_init(&walk, cluster, error))
        return NULL;
    for (gsize i = 0; pools[i]; i++)
        if (!add_pool(&walk, cluster, pools[i], error))
            return NULL;
    return read_walk(&walk, error) ? g_steal_pointer(&walk.images) : NULL;
}

GPtrArray *
store_tree_read_one(StoreCluster *cluster,
                    const char *pool,
                    const char *image,
                    GError **error)
{
    g_auto(Walk) walk = {0};
    g_auto(StoreIo) io = NULL;

    if (!walk_init(&walk, cluster, error) ||
        !store_ioctx(walk.conn, pool, &io, error) ||
        !add_named(&walk, io, pool, image, error) || !read_walk(&walk, error))
        return NULL;
    return g_steal_pointer(&walk.images);
}
