/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/capture.c - a new image of what a guest's disk holds now
 *
 * As Nova does it: snapshot, clone, flatten, protect. But the disk's snapshot goes
 * before the image gets its own, so that none stays behind an image that is whole;
 * and what dies in between leaves two things that name each other (passing.c).
 */
#include "config.h"

#include "agent/rbd/disk/capture.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/clear-way.h"
#include "agent/rbd/disk/image-claim.h"
#include "agent/rbd/disk/passing.h"
#include "agent/rbd/disk/pool-space.h"
#include "agent/rbd/image/add.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/image/namespace.h"

#include <errno.h>

typedef struct {
    StoreConn *conn;
    const StoreCaptureSource *source;
    const char *pool;
    const char *id;
    char *disk;     /* 'pool/image' */
    char *snap;     /* its snapshot's name */
    guint64 size;   /* bytes */
    bool snapped;   /* it may be there */
    bool cancelled; /* by the progress */
} Capture;

static void
capture_clear(Capture *capture)
{
    g_free(capture->disk);
    g_free(capture->snap);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Capture, capture_clear)

/* ---- the disk's side ------------------------------------------------------------- */

/* A dead one's may come late: whoever has the disk's lock makes it, and may have
 * been asked just before. Under this claim it is nobody's else, and too old. */
static int
create_snapshot(rbd_image_t handle, const char *snap)
{
    int r = rbd_snap_create(handle, snap);

    if (r != -EEXIST)
        return r;
    r = rbd_snap_remove(handle, snap);
    return r < 0 && r != -ENOENT ? r : rbd_snap_create(handle, snap);
}

static int
snapshot(Capture *capture, rados_ioctx_t io, const char *image)
{
    g_auto(StoreHandle) handle = NULL;
    int r = rbd_open(io, image, &handle, NULL);

    if (r >= 0)
        r = STORE_FAULT("capture-frozen");
    if (r < 0)
        return r;
    capture->snapped = true;
    r = create_snapshot(handle, capture->snap);
    return r < 0 ? r : STORE_FAULT("capture-snapped");
}

static gboolean
thaw(const Capture *capture, GError **error)
{
    const StoreCaptureSource *source = capture->source;

    return !source->freeze || source->thaw(source->data, error);
}

/* The disk is closed again at once: whoever starts its guest must not find it
 * open. */
static gboolean
take_snapshot(Capture *capture, GError **error)
{
    const StoreCaptureSource *source = capture->source;
    g_auto(StoreIo) io = NULL;
    const char *image;
    int r;

    if (!store_parent_ioctx(capture->conn, source->pool, source->image, &io,
                            &image, error))
        return FALSE;
    rados_set_pool_full_try(io);
    if (source->freeze && !source->freeze(source->data, error)) {
        (void)source->thaw(source->data, NULL);
        return FALSE;
    }
    r = snapshot(capture, io, image);
    if (!thaw(capture, r < 0 ? NULL : error) && r >= 0)
        return FALSE;
    return r >= 0 ||
           store_fail(error, capture->conn, r,
                      "cannot make a snapshot of disk '%s'", capture->disk);
}

/* ---- the image's side ------------------------------------------------------------ */

static int
clone_it(const Capture *capture, rados_ioctx_t from, const char *image)
{
    g_auto(StoreIo) to = NULL;
    g_auto(StoreOptions) options = NULL;
    int r = rados_ioctx_create(capture->conn->rados, capture->pool, &to);

    if (r < 0)
        return r;
    rados_set_pool_full_try(to);
    rbd_image_options_create(&options);
    r = rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_CLONE_FORMAT, 2);
    if (r >= 0)
        r = rbd_clone3(from, image, capture->snap, to, capture->id, options);
    return r < 0 ? r : STORE_FAULT("capture-cloned");
}

/* What is no raw image would be none that could be cloned. */
static gboolean
check_snapshot(Capture *capture, GError **error)
{
    const StoreParent parent = {capture->source->pool, capture->source->image,
                                capture->snap};
    StoreFound found;

    if (!store_parent_find(capture->conn, &parent, &found, error))
        return FALSE;
    capture->size = found.size;
    return TRUE;
}

/* A StoreAddWay's; io is the image's. */
static gboolean
create(StoreCopy *copy, rados_ioctx_t io, gpointer data, GError **error)
{
    Capture *capture = data;
    const StoreCaptureSource *source = capture->source;
    g_auto(StoreIo) from = NULL;
    const char *image;
    int r;

    (void)copy;
    (void)io;
    if (!take_snapshot(capture, error) || !check_snapshot(capture, error) ||
        !store_parent_ioctx(capture->conn, source->pool, source->image, &from,
                            &image, error))
        return FALSE;
    r = clone_it(capture, from, image);
    return r >= 0 ||
           store_fail(error, capture->conn, r,
                      "cannot clone '%s@%s' to '%s/%s'", capture->disk,
                      capture->snap, capture->pool, capture->id);
}

static int
on_progress(uint64_t done, uint64_t total, void *data)
{
    Capture *capture = data;
    const StoreCaptureSource *source = capture->source;
    /* It counts objects. */
    double part = total > 0 ? (double)done / (double)total : 0;

    if (source->progress &&
        !source->progress((guint64)(part * (double)capture->size),
                          capture->size, source->data))
        capture->cancelled = true;
    return capture->cancelled ? -ECANCELED : 0;
}

static gboolean
flatten(Capture *capture, rbd_image_t handle, GError **error)
{
    int r = rbd_flatten_with_progress(handle, on_progress, capture);

    if (r >= 0)
        r = STORE_FAULT("capture-flattened");
    if (capture->cancelled)
        return store_refuse(error, STORE_ERROR_FAILED,
                            "adding '%s/%s' was cancelled", capture->pool,
                            capture->id);
    return r >= 0 ||
           store_fail(error, capture->conn, r, "cannot flatten '%s/%s'",
                      capture->pool, capture->id);
}

/* The clone has its parent's metadata, and among that the mark that says whose
 * disk it is. */
static gboolean
note_disk(const Capture *capture, rbd_image_t handle, GError **error)
{
    int r = rbd_metadata_set(handle, STORE_MADE_OF_KEY, capture->disk);

    (void)rbd_metadata_remove(handle, STORE_MARK_KEY);
    return r >= 0 || store_fail(error, capture->conn, r, "cannot mark '%s/%s'",
                                capture->pool, capture->id);
}

/* A StoreAddWay's, too. */
static gboolean
fill(StoreCopy *copy, gpointer data, GError **error)
{
    Capture *capture = data;

    if (!note_disk(capture, copy->handle, error) ||
        !flatten(capture, copy->handle, error) ||
        !store_passing_remove(capture->conn, capture->disk, capture->pool,
                              capture->id, error))
        return FALSE;
    capture->snapped = false;
    (void)rbd_metadata_remove(copy->handle, STORE_MADE_OF_KEY);
    return TRUE;
}

/* ---- what dead ones left ---------------------------------------------------------- */

/* Of one that is at work on it nothing is touched. */
static gboolean
clear_one(Capture *capture, const char *pool, const char *id, GError **error)
{
    StoreClaim *claim = NULL;
    g_autoptr(GError) why = NULL;
    bool dead;

    if (!store_image_claim(capture->conn, pool, id, true, &claim, &dead,
                           &why)) {
        if (g_error_matches(why, STORE_ERROR, STORE_ERROR_BUSY))
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    if (store_clear_way(capture->conn, pool, id, &why))
        (void)store_passing_remove(capture->conn, capture->disk, pool, id,
                                   &why);
    return store_image_unclaim(claim, g_steal_pointer(&why), error);
}

static gboolean
clear_left(Capture *capture, GError **error)
{
    g_auto(GStrv) snaps =
        store_passing_list(capture->conn, capture->disk, error);

    for (gsize i = 0; snaps && snaps[i]; i++) {
        g_autofree char *pool = NULL;
        g_autofree char *id = NULL;

        if (store_passing_parse(snaps[i], &pool, &id) &&
            !clear_one(capture, pool, id, error))
            return FALSE;
    }
    return snaps != NULL;
}

/* ---- all of it -------------------------------------------------------------------- */

/* Before a guest is frozen for nothing. */
static gboolean
check_name(const Capture *capture, rados_ioctx_t io, GError **error)
{
    bool taken = false;
    int r = store_name_is_taken(io, capture->id, &taken);

    if (r < 0)
        return store_fail(error, capture->conn, r, "cannot look at '%s/%s'",
                          capture->pool, capture->id);
    return !taken || store_add_refuse(capture->conn, io, capture->pool,
                                      capture->id, error);
}

/* The image, too, if it is not known whether it was made. */
static void
take_away(const Capture *capture)
{
    if (store_clear_clone(capture->conn, capture->pool, capture->id, NULL))
        (void)store_passing_remove(capture->conn, capture->disk, capture->pool,
                                   capture->id, NULL);
}

/* Under the claim. After a failure the image is gone, or the message says that
 * it is not; then whoever removes it removes the snapshot, too. */
static gboolean
make(Capture *capture, rados_ioctx_t io, guint64 *ret_size, GError **error)
{
    const StoreImageSource nothing = {.fd = -1};
    const StoreAddWay way = {create, fill, capture};
    StoreCopy copy = {
        .source = &nothing, .pool = capture->pool, .image = capture->id};
    g_autoptr(GError) why = NULL;

    if (!check_name(capture, io, error))
        return FALSE;
    if (store_add_by(capture->conn, io, &way, &copy, &why)) {
        *ret_size = capture->size;
        return TRUE;
    }
    if (capture->snapped && store_conn_may_write(capture->conn, why))
        take_away(capture);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

static gboolean
run(Capture *capture, guint64 *ret_size, GError **error)
{
    g_autofree char *data_pool = store_new_data_pool(capture->conn, NULL);
    const char *const pools[] = {capture->pool, capture->source->pool,
                                 data_pool};
    g_auto(StoreIo) io = NULL;
    g_autoptr(GError) why = NULL;
    StoreClaim *claim = NULL;
    bool dead = false;

    if (!store_ioctx(capture->conn, capture->pool, &io, error) ||
        !store_pools_check_space(capture->conn, pools, G_N_ELEMENTS(pools),
                                 error) ||
        !clear_left(capture, error) ||
        !store_image_claim(capture->conn, capture->pool, capture->id, true,
                           &claim, &dead, error))
        return FALSE;
    rados_set_pool_full_try(io);
    if (!dead ||
        store_clear_way(capture->conn, capture->pool, capture->id, &why))
        (void)make(capture, io, ret_size, &why);
    return store_image_unclaim(claim, g_steal_pointer(&why), error);
}

gboolean
store_image_capture(StoreCluster *cluster,
                    const char *pool,
                    const char *id,
                    const StoreCaptureSource *source,
                    guint64 *ret_size,
                    GError **error)
{
    g_autoptr(StoreConn) conn = NULL;
    g_auto(Capture) capture = {
        .source = source,
        .pool = pool,
        .id = id,
        .disk = g_strdup_printf("%s/%s", source->pool, source->image),
        .snap = store_passing_name(pool, id),
    };

    /* A failure after the last step unprotects what was protected. */
    store_conn_will_unprotect(cluster);
    conn = store_conn_acquire(cluster, error);
    capture.conn = conn;
    return conn && run(&capture, ret_size, error);
}
