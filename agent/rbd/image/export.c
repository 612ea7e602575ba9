/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/export.c - an image's bytes into a file or a pipe
 *
 * Only objects that are there are read, several at once and in their order. In a
 * new file what is not written reads as zeroes, so zeroes are left out; a pipe
 * gets them.
 *
 * Who reads a snapshot is not told when it is removed, and reads whatever came
 * after it from then on. So at the end it must still be there.
 */
#include "config.h"

#include "agent/rbd/image/export.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/list.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PIECE    (4u * 1024u * 1024u)
#define FLIGHT   8u
#define GRAIN    (64u * 1024u)
#define FAILURES 50u

typedef struct {
    guint64 offset;
    guint64 len;
} Extent;

typedef struct {
    guint8 *buffer; /* librbd writes to it until the read is complete */
    rbd_completion_t completion;
    guint64 offset;
    gsize len;
} Slot;

typedef struct {
    StoreConn *conn;
    const char *pool;
    const char *image;
    const char *snap;
    const StoreImageTarget *target;
    rados_ioctx_t io;
    rbd_image_t handle;
    guint64 snap_id;
    guint64 size;
    GArray *extents; /* of Extent, in order, none longer than PIECE */
    Slot slots[FLIGHT];
    guint64 written; /* everything before it is where it belongs */
} Export;

static const guint8 zeroes[GRAIN];

static void
export_clear(Export *export)
{
    for (guint i = 0; i < FLIGHT; i++) {
        Slot *slot = &export->slots[i];

        if (slot->completion) {
            (void)rbd_aio_wait_for_complete(slot->completion);
            rbd_aio_release(slot->completion);
        }
        g_free(slot->buffer);
    }
    if (export->extents)
        g_array_unref(export->extents);
    store_rbd_clear(&export->handle);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Export, export_clear)

/* ---- what there is to read ------------------------------------------------------- */

static int
add_extent(uint64_t offset, size_t len, int exists, void *opaque)
{
    GArray *extents = opaque;

    while (exists && len > 0) {
        Extent extent = {offset, MIN(len, PIECE - offset % PIECE)};

        g_array_append_val(extents, extent);
        offset += extent.len;
        len -= extent.len;
    }
    return 0;
}

static gboolean
refuse_missing(const Export *export, GError **error)
{
    bool glances = strcmp(export->snap, STORE_SNAP) == 0;
    g_autofree char *next =
        glances
            ? g_strdup("remora image list")
            : g_strdup_printf("rbd snap ls %s/%s", export->pool, export->image);

    return store_refuse(error, STORE_ERROR_MISSING,
                        "no image '%s/%s' with a snapshot '%s' (%s)",
                        export->pool, export->image, export->snap, next);
}

static gboolean
begin(Export *export, GError **error)
{
    int r = rbd_open_read_only(export->io, export->image, &export->handle,
                               export->snap);

    if (r == -ENOENT)
        return refuse_missing(export, error);
    if (r >= 0)
        r = rbd_snap_get_id(export->handle, export->snap, &export->snap_id);
    if (r >= 0)
        r = rbd_get_size(export->handle, &export->size);
    return r >= 0 ||
           store_fail(error, export->conn, r, "cannot read image '%s/%s'",
                      export->pool, export->image);
}

static gboolean
find_content(Export *export, GError **error)
{
    int r;

    export->extents = g_array_new(FALSE, FALSE, sizeof(Extent));
    r = rbd_diff_iterate2(export->handle, NULL, 0, export->size, 1, 1,
                          add_extent, export->extents);
    if (r < 0)
        return store_fail(error, export->conn, r, "cannot read image '%s/%s'",
                          export->pool, export->image);
    for (guint i = 0; i < FLIGHT; i++)
        export->slots[i].buffer = g_malloc(PIECE);
    return TRUE;
}

/* ---- writing ---------------------------------------------------------------------- */

static gboolean
went_on(const Export *export, GError **error)
{
    const StoreImageTarget *target = export->target;

    if (!target->progress ||
        target->progress(export->written, export->size, target->data))
        return TRUE;
    return store_refuse(error, STORE_ERROR_FAILED,
                        "exporting '%s/%s' was cancelled", export->pool,
                        export->image);
}

static bool
leaves_zeroes(const Export *export)
{
    return export->target->sparse || export->target->sink;
}

/* A signal makes one write fail, and then who is asked may want to stop. */
static gboolean
write_all(const Export *export,
          const guint8 *bytes,
          gsize len,
          guint64 offset,
          GError **error)
{
    const StoreImageSink *sink = export->target->sink;
    int fd = export->target->fd;
    guint failures = 0;

    if (sink)
        return sink->put(sink->data, offset, bytes, len, error);

    while (len > 0 && failures < FAILURES) {
        gssize put = export->target->sparse
                         ? pwrite(fd, bytes, len, (off_t)offset)
                         : write(fd, bytes, len);

        if (put <= 0) {
            failures++;
            if (!went_on(export, error))
                return FALSE;
            continue;
        }
        bytes += put;
        offset += (guint64)put;
        len -= (gsize)put;
    }
    if (len == 0)
        return TRUE;
    return store_refuse(error, STORE_ERROR_FAILED,
                        "cannot write '%s/%s' to its file at byte "
                        "%" G_GUINT64_FORMAT
                        ": is its file system full, or the reader gone?",
                        export->pool, export->image, offset);
}

static gboolean
write_zeroes(Export *export, guint64 until, GError **error)
{
    while (!leaves_zeroes(export) && export->written < until) {
        gsize len = (gsize)MIN(until - export->written, GRAIN);

        if (!write_all(export, zeroes, len, export->written, error))
            return FALSE;
        export->written += len;
        if (export->written % PIECE == 0 && !went_on(export, error))
            return FALSE;
    }
    export->written = until;
    return TRUE;
}

static gsize
run_of(const guint8 *bytes, gsize len, bool *ret_zero)
{
    gsize run = MIN(len, GRAIN);

    *ret_zero = memcmp(bytes, zeroes, run) == 0;
    while (run < len) {
        gsize next = MIN(len - run, GRAIN);

        if ((memcmp(bytes + run, zeroes, next) == 0) != *ret_zero)
            break;
        run += next;
    }
    return run;
}

static gboolean
write_piece(Export *export, const Slot *slot, GError **error)
{
    gsize at = 0;

    if (!write_zeroes(export, slot->offset, error))
        return FALSE;
    while (at < slot->len) {
        bool zero = false;
        gsize len = leaves_zeroes(export)
                        ? run_of(slot->buffer + at, slot->len - at, &zero)
                        : slot->len;

        if (!zero && !write_all(export, slot->buffer + at, len,
                                slot->offset + at, error))
            return FALSE;
        at += len;
    }
    export->written = slot->offset + slot->len;
    return went_on(export, error);
}

/* ---- reading ---------------------------------------------------------------------- */

static int
submit(Export *export, Slot *slot, const Extent *extent)
{
    int r = rbd_aio_create_completion(NULL, NULL, &slot->completion);

    slot->offset = extent->offset;
    slot->len = (gsize)extent->len;
    if (r >= 0)
        r = rbd_aio_read2(export->handle, slot->offset, slot->len,
                          (char *)slot->buffer, slot->completion,
                          LIBRADOS_OP_FLAG_FADVISE_SEQUENTIAL |
                              LIBRADOS_OP_FLAG_FADVISE_NOCACHE);
    if (r < 0)
        g_clear_pointer(&slot->completion, rbd_aio_release);
    return r;
}

static int
land(Slot *slot)
{
    ssize_t r;

    (void)rbd_aio_wait_for_complete(slot->completion);
    r = rbd_aio_get_return_value(slot->completion);
    g_clear_pointer(&slot->completion, rbd_aio_release);
    if (r >= 0 && (gsize)r < slot->len)
        return -EIO;
    return r < 0 ? (int)r : 0;
}

static gboolean
copy(Export *export, GError **error)
{
    guint next = 0;
    int r = 0;

    for (guint i = 0; r >= 0 && i < export->extents->len; i++) {
        for (; r >= 0 && next < export->extents->len && next < i + FLIGHT;
             next++)
            r = submit(export, &export->slots[next % FLIGHT],
                       &g_array_index(export->extents, Extent, next));
        if (r >= 0)
            r = land(&export->slots[i % FLIGHT]);
        if (r >= 0 && !write_piece(export, &export->slots[i % FLIGHT], error))
            return FALSE;
    }
    if (r < 0)
        return store_fail(error, export->conn, r, "cannot read image '%s/%s'",
                          export->pool, export->image);
    return write_zeroes(export, export->size, error) && went_on(export, error);
}

static gboolean
begin_target(const Export *export, GError **error)
{
    const StoreImageTarget *target = export->target;

    if (target->sink)
        return target->sink->begin(target->sink->data, export->size, error);
    if (!target->sparse || ftruncate(target->fd, (off_t) export->size) == 0)
        return TRUE;
    return store_refuse(error, STORE_ERROR_FAILED,
                        "the file for '%s/%s' cannot be made %" //
                        G_GUINT64_FORMAT
                        " bytes long: does its file system take that?",
                        export->pool, export->image, export->size);
}

static gboolean
still_there(const Export *export, GError **error)
{
    g_auto(StoreHandle) handle = NULL;
    uint64_t id = 0;
    int r = rbd_open_read_only(export->io, export->image, &handle, NULL);

    if (r >= 0)
        r = rbd_snap_get_id(handle, export->snap, &id);
    if (r == -ENOENT || (r >= 0 && id != export->snap_id))
        return store_refuse(error, STORE_ERROR_FAILED,
                            "snapshot '%s/%s@%s' was removed while it was "
                            "read: what was written is not to be used",
                            export->pool, export->image, export->snap);
    return r >= 0 ||
           store_fail(error, export->conn, r, "cannot look at '%s/%s' again",
                      export->pool, export->image);
}

gboolean
store_image_export(StoreCluster *cluster,
                   const char *pool,
                   const char *image,
                   const char *snap,
                   const StoreImageTarget *target,
                   guint64 *ret_size,
                   GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_auto(StoreIo) io = NULL;
    g_auto(Export) export = {
        .conn = conn,
        .pool = pool,
        .image = image,
        .snap = snap ? snap : STORE_SNAP,
        .target = target,
    };

    if (!conn || !store_ioctx(conn, pool, &io, error))
        return FALSE;
    export.io = io;
    if (!begin(&export, error))
        return FALSE;
    *ret_size = export.size;
    /* One that is too large is refused before all of it is looked through. */
    return begin_target(&export, error) && find_content(&export, error) &&
           copy(&export, error) && still_there(&export, error);
}
