/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/remove.c - an image is removed as Glance does it
 *
 * Unprotect, remove the snapshot, remove the image; what has snapshots goes to
 * the trash. Glance finds out by trying, and has removed the snapshot by the time
 * that it learns of a client that has the image open. Here all that could stand
 * in the way is looked at first, so that a refusal leaves the image as it was.
 * Each step may be the last: without its snapshot the image can be cloned no
 * more, and the next call goes on.
 */
#include "config.h"

#include "agent/rbd/disk/remove.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/clear-way.h"
#include "agent/rbd/disk/image-claim.h"
#include "agent/rbd/disk/passing.h"
#include "agent/rbd/image/children.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/list.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/image/show.h"
#include "agent/rbd/image/trash.h"
#include "agent/rbd/image/watchers.h"

#include <errno.h>
#include <string.h>

typedef struct {
    StoreConn *conn;
    rados_ioctx_t io;
    const StoreImageInfo *info;
    bool finished; /* an earlier removal, which was cut short */
} Remove;

/* ---- what stands in the way ------------------------------------------------------ */

static bool
any_of_format_1(const GPtrArray *children)
{
    for (guint i = 0; i < children->len; i++) {
        const StoreChild *child = g_ptr_array_index(children, i);

        if (child->format == 1)
            return true;
    }
    return false;
}

static gboolean
check_children(const StoreImageInfo *info, bool to_trash, GError **error)
{
    bool old = any_of_format_1(info->children);

    if (info->children->len == 0 || (to_trash && !old))
        return TRUE;
    g_autofree char *names = store_children_text(info->children, 0);
    return store_refuse(error, STORE_ERROR_BUSY,
                        "image '%s/%s' is in use by its clones %s: remove or "
                        "flatten them first (rbd flatten)%s",
                        info->pool, info->image, names,
                        old ? ""
                            : ", or move it to the trash, where they keep it "
                              "(remora image rm --trash)");
}

static gboolean
check_watchers(const Remove *remove, GError **error)
{
    const StoreImageInfo *info = remove->info;
    g_auto(GStrv) watchers =
        store_watchers_of(remove->conn, info->pool, info->image, error);

    if (!watchers)
        return FALSE;
    if (!watchers[0])
        return TRUE;
    return store_refuse(error, STORE_ERROR_BUSY,
                        "image '%s/%s' is open for writing by client '%s': "
                        "stop that first; if it is dead, its watch ends within "
                        "60 s (rbd status %s/%s)",
                        info->pool, info->image, watchers[0], info->pool,
                        info->image);
}

/* Those of format 1 lose their content if their parent goes, and librbd counts
 * on seeing them. */
static gboolean
check_unseen(const Remove *remove, GError **error)
{
    const StoreImageInfo *info = remove->info;
    const char *user = store_cluster_user(remove->conn->cluster);

    if (!info->protected_snap || info->unseen->len == 0)
        return TRUE;
    g_ptr_array_add(info->unseen, NULL);
    g_autofree char *pools =
        g_strjoinv("', '", (char **)(gpointer)info->unseen->pdata);
    return store_refuse(error, STORE_ERROR_FAILED,
                        "image '%s/%s' may have clones of format 1 in pool "
                        "'%s', where client.%s may not look: add 'allow "
                        "class-read object_prefix rbd_children' to its osd "
                        "caps (ceph auth caps)",
                        info->pool, info->image, pools, user);
}

/* ---- the steps -------------------------------------------------------------------- */

static gboolean
remove_snap(const Remove *remove, GError **error)
{
    const StoreImageInfo *info = remove->info;
    g_auto(StoreHandle) handle = NULL;
    int r = rbd_open(remove->io, info->image, &handle, NULL);

    if (r >= 0 && info->protected_snap)
        r = rbd_snap_unprotect(handle, STORE_SNAP);
    /* Somebody else has unprotected it meanwhile. */
    if (r == -EINVAL)
        r = 0;
    if (r >= 0)
        r = STORE_FAULT("image-unprotected");
    if (r >= 0)
        r = rbd_snap_remove(handle, STORE_SNAP);
    if (r == -ENOENT)
        r = 0;
    if (r >= 0)
        r = STORE_FAULT("image-unsnapped");
    if (r < 0)
        return store_fail(error, remove->conn, r,
                          "cannot remove the snapshot '%s/%s@%s'", info->pool,
                          info->image, STORE_SNAP);
    return TRUE;
}

/* Of one that was to be made of a disk: with the snapshot of that. */
static gboolean
remove_passing(const Remove *remove, const char *disk, GError **error)
{
    return !disk || store_passing_remove(remove->conn, disk, remove->info->pool,
                                         remove->info->image, error);
}

/* What clones keep is not removed in vain first: librbd would hide it from all
 * but itself meanwhile (image/going.h). */
static int
try_remove(const Remove *remove)
{
    const StoreImageInfo *info = remove->info;
    int r;

    if (info->children->len > 0 || info->snaps->len > 0)
        return -ENOTEMPTY;
    r = rbd_remove(remove->io, info->image);
    return r == -ENOENT && remove->finished ? 0 : r;
}

static gboolean
remove_image(const Remove *remove, StoreRemoved *ret_removed, GError **error)
{
    const StoreImageInfo *info = remove->info;
    g_auto(StoreLook) look = {0};
    g_autofree char *disk = NULL;
    int r;

    if (!info->has_snap &&
        !store_look(remove->conn, info->pool, info->image, NULL, &look, error))
        return FALSE;
    disk = store_passing_disk(&look, info->pool, info->image);
    r = try_remove(remove);
    *ret_removed = STORE_REMOVED;
    if (r >= 0)
        return remove_passing(remove, disk, error);
    if (r != -ENOTEMPTY)
        return store_fail(error, remove->conn, r,
                          "cannot remove image '%s/%s', call it again",
                          info->pool, info->image);
    *ret_removed = STORE_REMOVED_TO_TRASH;
    return store_trash(remove->conn, info->pool, info->image,
                       info->children->len > 0
                           ? "removed, and its clones keep it"
                           : "removed, and it has further snapshots",
                       error);
}

/* ---- under the claim --------------------------------------------------------------- */

/* A name without an image, as one that was cut short may leave it, is removed,
 * too. */
static gboolean
look(const Remove *remove, StoreImageInfo *info, GError **error)
{
    g_autoptr(GError) why = NULL;
    bool taken = false;

    if (store_image_read(remove->conn, remove->io, info, &why))
        return TRUE;
    if (g_error_matches(why, STORE_ERROR, STORE_ERROR_MISSING) &&
        (remove->finished ||
         (store_name_is_taken(remove->io, info->image, &taken) >= 0 && taken)))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

static gboolean
remove_claimed(StoreConn *conn,
               rados_ioctx_t io,
               StoreImageInfo *info,
               bool to_trash,
               StoreRemoved *ret_removed,
               GError **error)
{
    Remove remove = {.conn = conn, .io = io, .info = info};

    return store_finish_removals(conn, info->pool, info->image,
                                 &remove.finished, error) &&
           look(&remove, info, error) &&
           check_children(info, to_trash, error) &&
           check_unseen(&remove, error) && check_watchers(&remove, error) &&
           (!info->has_snap || remove_snap(&remove, error)) &&
           remove_image(&remove, ret_removed, error);
}

gboolean
store_image_remove(StoreCluster *cluster,
                   const char *pool,
                   const char *image,
                   bool to_trash,
                   StoreRemoved *ret_removed,
                   GError **error)
{
    g_autoptr(StoreConn) conn = NULL;
    g_auto(StoreIo) io = NULL;
    g_auto(StoreImageInfo) info = {0};
    g_autoptr(GError) why = NULL;
    StoreClaim *claim = NULL;
    bool dead;

    store_conn_will_unprotect(cluster);
    conn = store_conn_acquire(cluster, error);
    if (!conn || !store_ioctx(conn, pool, &io, error) ||
        !store_image_claim(conn, pool, image, false, &claim, &dead, error))
        return FALSE;
    /* On a full pool what frees space must not wait for it. */
    rados_set_pool_full_try(io);
    store_image_info_init(&info, pool, image);
    (void)remove_claimed(conn, io, &info, to_trash, ret_removed, &why);
    return store_image_unclaim(claim, g_steal_pointer(&why), error);
}
