/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/clone.c - a volume is made of another, of a snapshot, or of an
 * image
 *
 * As Cinder does it: a volume is cloned by way of a snapshot of its own, which is
 * named after the clone; where clones would stand on too many volumes, the new one
 * is flattened. Format 2 is asked for by name: with 'auto' a fresh cluster clones
 * in format 1, whose parents cannot go.
 *
 * Until the end the claim says that the volume is half-made; what dies under it
 * is told from a whole one by that.
 */
#include "config.h"

#include "agent/rbd/volume/clone.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/depth.h"
#include "agent/rbd/image/flattening.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/list.h"
#include "agent/rbd/image/namespace.h"
#include "agent/rbd/image/parent.h"
#include "agent/rbd/image/snap.h"
#include "agent/rbd/volume/flat.h"
#include "agent/rbd/volume/marks.h"
#include "agent/rbd/volume/name.h"
#include "agent/rbd/volume/options.h"
#include "agent/rbd/volume/origin.h"
#include "agent/rbd/volume/snap.h"

#include <errno.h>

typedef struct {
    StoreClaimed *claimed;
    const StoreVolumeOrigin *from;
    StoreParent parent; /* what is cloned */
    char *own_snap;     /* made for it, or NULL */
    guint64 size;
    bool flattens;
    bool queued; /* the manager goes on to flatten it */
} Clone;

/* ---- what is cloned ------------------------------------------------------------------ */

/* One that an earlier attempt left shows what the volume was then. */
static gboolean
make_own_snap(StoreCluster *cluster, Clone *clone, GError **error)
{
    const StoreVolumeOrigin *from = clone->from;
    g_autofree char *snap = store_clone_snap(clone->claimed->volume);
    g_autoptr(GError) why = NULL;

    if (!store_volume_snap_remove(cluster, from->pool, from->image, snap,
                                  &why) &&
        !g_error_matches(why, STORE_ERROR, STORE_ERROR_MISSING)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    if (!store_volume_snap_create(cluster, from->pool, from->image, snap,
                                  error))
        return FALSE;
    clone->own_snap = g_steal_pointer(&snap);
    clone->parent.snap = clone->own_snap;
    return TRUE;
}

static gboolean
find_snap(Clone *clone, guint64 *ret_size, GError **error)
{
    const StoreParent *parent = &clone->parent;
    bool there = false;

    if (!store_snap_find(clone->claimed->conn, parent->pool, parent->image,
                         parent->snap, &there, ret_size, error))
        return FALSE;
    return there || store_refuse(error, STORE_ERROR_MISSING,
                                 "no snapshot '%s/%s@%s' (remora volume "
                                 "snapshot list %s/%s)",
                                 parent->pool, parent->image, parent->snap,
                                 parent->pool, parent->image);
}

static gboolean
find_image(Clone *clone, guint64 *ret_size, GError **error)
{
    StoreFound found = {0};

    store_parent_forget(clone->claimed->conn->cluster, &clone->parent);
    if (!store_parent_find(clone->claimed->conn, &clone->parent, &found, error))
        return FALSE;
    *ret_size = found.size;
    return TRUE;
}

static gboolean
check_size(Clone *clone, guint64 has, GError **error)
{
    guint64 wanted = clone->from->size;

    clone->size = MAX(wanted, has);
    if (wanted == 0 || wanted >= has)
        return TRUE;
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "a volume of %" G_GUINT64_FORMAT
                        " bytes cannot hold '%s/%s' of %" //
                        G_GUINT64_FORMAT " bytes: ask for at least that size",
                        wanted, clone->from->pool, clone->from->image, has);
}

static gboolean
count_depth(const Clone *clone, guint *ret_depth, GError **error)
{
    StoreConn *conn = clone->claimed->conn;
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    const char *image;
    int r;

    if (!store_parent_ioctx(conn, clone->parent.pool, clone->parent.image, &io,
                            &image, error))
        return FALSE;
    r = rbd_open_read_only(io, image, &handle, NULL);
    if (r >= 0)
        *ret_depth = store_depth(conn, handle, STORE_VOLUME_PREFIX);
    /* Itself. */
    *ret_depth += g_str_has_prefix(image, STORE_VOLUME_PREFIX) ? 1 : 0;
    if (r == -ENOENT)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "no volume '%s/%s' (remora volume list)",
                            clone->parent.pool, image);
    return r >= 0 || store_fail(error, conn, r, "cannot look at '%s/%s'",
                                clone->parent.pool, image);
}

/* Before anything is made, but for the snapshot. */
static gboolean
prepare(StoreCluster *cluster, Clone *clone, GError **error)
{
    const StoreVolumeOrigin *from = clone->from;
    const StoreSettings *own = store_settings(cluster);
    guint64 has = 0;
    guint depth = 0;

    clone->parent = (StoreParent){from->pool, from->image, from->snap};
    if (!store_claimed_space_for(clone->claimed, own->clone_data_pool,
                                 from->pool, error) ||
        (from->is_image && !find_image(clone, &has, error)) ||
        !count_depth(clone, &depth, error) ||
        (!from->snap && !make_own_snap(cluster, clone, error)))
        return FALSE;
    clone->flattens =
        store_clone_flattens(depth, from->max_depth, from->flatten);
    return (from->is_image || find_snap(clone, &has, error)) &&
           check_size(clone, has, error);
}

/* ---- the clone ------------------------------------------------------------------------ */

/* librbd refuses objects that are smaller than the parent's. */
static int
fill_options(rbd_image_options_t options,
             const Clone *clone,
             rados_ioctx_t io,
             const char *image)
{
    const StoreSettings *own = store_settings(clone->claimed->conn->cluster);
    StoreVolumeSpec spec = {.shareable = clone->from->shareable};
    g_auto(StoreHandle) parent = NULL;
    rbd_image_info_t info;
    int r = rbd_open_read_only(io, image, &parent, NULL);

    if (r >= 0)
        r = rbd_stat(parent, &info, sizeof(info));
    if (r < 0)
        return r;
    spec.object_size = MAX(own->clone_object_size, info.obj_size);
    r = store_options_fill(options, own, &spec);
    /* It would have stripes as large as its parent's objects. */
    if (r >= 0 && spec.object_size > info.obj_size)
        r = rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_STRIPE_UNIT,
                                         spec.object_size);
    if (r >= 0 && spec.object_size > info.obj_size)
        r = rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_STRIPE_COUNT,
                                         1);
    if (r >= 0)
        r = rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_CLONE_FORMAT,
                                         2);
    return r;
}

static gboolean
clone_it(const Clone *clone, GError **error)
{
    const StoreClaimed *claimed = clone->claimed;
    const StoreParent *parent = &clone->parent;
    g_auto(StoreIo) from = NULL;
    g_auto(StoreOptions) options = NULL;
    const char *image;
    int r;

    if (!store_parent_ioctx(claimed->conn, parent->pool, parent->image, &from,
                            &image, error))
        return FALSE;
    rbd_image_options_create(&options);
    r = fill_options(options, clone, from, image);
    if (r >= 0)
        r = rbd_clone3(from, image, parent->snap, claimed->io, claimed->volume,
                       options);
    if (r >= 0)
        r = STORE_FAULT("volume-cloned");
    return r >= 0 || store_fail(error, claimed->conn, r,
                                "cannot clone '%s/%s@%s' to '%s/%s'",
                                parent->pool, parent->image, parent->snap,
                                claimed->pool, claimed->volume);
}

/* What is flattened holds data, so that data does not show that it is whole. */
static bool
fills(const Clone *clone)
{
    return clone->flattens || clone->from->seal;
}

static gboolean
grow(const Clone *clone, GError **error)
{
    const StoreClaimed *claimed = clone->claimed;
    StoreHandle handle = NULL;
    guint64 has = 0;
    int closed;
    int r = rbd_open(claimed->io, claimed->volume, &handle, NULL);

    if (r >= 0)
        r = rbd_get_size(handle, &has);
    if (r >= 0 && has < clone->size)
        r = rbd_resize2(handle, clone->size, false, NULL, NULL);
    if (r >= 0)
        r = store_marks_remove(handle);
    if (r >= 0)
        r = store_flatten_mark_remove(handle);
    if (r >= 0)
        r = store_origin_note_remove(handle);
    if (r >= 0 && fills(clone))
        r = store_marks_fill(handle, claimed);
    if (r >= 0)
        r = STORE_FAULT("volume-grown");
    closed = handle ? store_close(handle) : 0;
    r = r < 0 ? r : closed;
    return r >= 0 || store_fail(error, claimed->conn, r,
                                "cannot finish the clone '%s/%s'",
                                claimed->pool, claimed->volume);
}

static gboolean
seal(const Clone *clone, GError **error)
{
    const StoreClaimed *claimed = clone->claimed;
    StoreHandle handle = NULL;
    int closed;
    int r;

    if (!fills(clone))
        return TRUE;
    r = rbd_open(claimed->io, claimed->volume, &handle, NULL);
    if (r >= 0 && clone->from->seal)
        r = clone->from->seal(handle);
    if (r >= 0)
        r = store_marks_remove(handle);
    closed = handle ? store_close(handle) : 0;
    r = r < 0 ? r : closed;
    return r >= 0 ||
           store_fail(error, claimed->conn, r, "cannot finish '%s/%s'",
                      claimed->pool, claimed->volume);
}

/* What is sealed must need nothing by then. */
static gboolean
flatten(Clone *clone, GError **error)
{
    const StoreVolumeOrigin *from = clone->from;
    StoreSteps steps = {
        .show = from->progress, .data = from->data, .size = clone->size};
    StoreFlatWait wait = from->wait ? STORE_FLAT_WAIT : STORE_FLAT_NO_WAIT;

    if (from->seal)
        wait = STORE_FLAT_HERE;
    if (!clone->flattens)
        return TRUE;
    if (!store_flat(clone->claimed, wait, &steps, &clone->queued, error))
        return FALSE;
    /* With the note of it; one that stays is spoken of in the end. */
    if (!clone->queued)
        (void)store_own_snap_let_go_noted(clone->claimed, NULL);
    return TRUE;
}

/* ---- under the claim ------------------------------------------------------------------- */

static gboolean
build(Clone *clone, GError **error)
{
    StoreClaimed *claimed = clone->claimed;
    g_autoptr(GError) why = NULL;

    claimed->keeps = true;
    if (clone_it(clone, &why) && grow(clone, &why) && flatten(clone, &why) &&
        seal(clone, &why) && store_claimed_made(claimed, &why))
        return TRUE;
    store_claimed_unmake(claimed, why);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

/* The snapshot is of no use without a clone that hangs from it. */
static void
remove_own_snap(StoreCluster *cluster,
                const Clone *clone,
                const GError *why,
                GError **ret_left)
{
    const StoreVolumeOrigin *from = clone->from;

    if (clone->own_snap && store_conn_may_write(clone->claimed->conn, why))
        store_volume_snap_remove_own(cluster, from->pool, from->image,
                                     clone->own_snap, ret_left);
}

gboolean
store_volume_clone(StoreCluster *cluster,
                   const char *pool,
                   const char *name,
                   const StoreVolumeOrigin *from,
                   StoreVolumeCloned *ret_cloned,
                   GError **ret_left,
                   GError **error)
{
    StoreClaimed claimed;
    Clone clone = {.claimed = &claimed, .from = from};
    GError *why = NULL;

    if (!store_volume_claim(cluster, pool, name, true, &claimed, error))
        return FALSE;
    if (store_claimed_free_name(&claimed, &why) &&
        prepare(cluster, &clone, &why))
        (void)build(&clone, &why);
    if (why || (clone.flattens && !clone.queued))
        remove_own_snap(cluster, &clone, why, ret_left);
    g_free(clone.own_snap);
    *ret_cloned = (StoreVolumeCloned){
        clone.size, clone.flattens && !clone.queued, clone.queued};
    return store_volume_unclaim(&claimed, why, error);
}
