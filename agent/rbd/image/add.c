/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/add.c - a file becomes an image, as Glance lays it out
 *
 * Format 2, a building mark, the content, a protected snapshot 'snap'. The
 * snapshot comes last and only after a flush, so an image that has it is whole:
 * whatever dies before leaves an image that nobody can clone, and the mark says
 * whose it is. The name is created exclusively; what is removed after a failure
 * has the id of what was created here, never just its name.
 */
#include "config.h"

#include "agent/rbd/image/add.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/format.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/list.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/image/watchers.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Pieces smaller than this would be written one by one for hours; the other
 * end is RBD's own. */
#define OBJECT_MIN 4096u
#define OBJECT_MAX (32u * 1024u * 1024u)

/* The size of a file or device; 0: there is none. */
static guint64
measure(int fd, mode_t mode)
{
    off_t size = -1;

    if (S_ISREG(mode) || S_ISBLK(mode))
        size = lseek(fd, 0, SEEK_END);
    return size > 0 ? (guint64)size : 0;
}

/* Its first bytes, as many as tell a format. */
static gboolean
read_head(StoreCopy *copy, gsize *ret_len, GError **error)
{
    struct stat info = {0};
    gssize got = 0;

    if (fstat(copy->source->fd, &info) == 0) {
        copy->stream = S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode);
        copy->size = measure(copy->source->fd, info.st_mode);
    }
    if (copy->stream && !store_copy_read_head(copy, ret_len, error))
        return FALSE;
    if (copy->size > 0)
        got = pread(copy->source->fd, copy->head, sizeof(copy->head), 0);
    if (!copy->stream)
        *ret_len = (gsize)MAX(got, 0);
    if (*ret_len > 0)
        return TRUE;
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "what is to become '%s/%s' is no file, block device or "
                        "pipe with anything in it that can be read",
                        copy->pool, copy->image);
}

static gboolean
check_source(StoreCopy *copy, GError **error)
{
    gsize len = 0;
    const char *format;

    if (!read_head(copy, &len, error))
        return FALSE;
    format = store_format_sniff(copy->head, len);
    if (!format || copy->source->as_is)
        return TRUE;
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "what is to become '%s/%s' is %s, and only a file is "
                        "converted: add it from a file, or keep its bytes as "
                        "they are (--as-is)",
                        copy->pool, copy->image, format);
}

static gboolean
check_object_size(guint64 size, GError **error)
{
    if (size >= OBJECT_MIN && size <= OBJECT_MAX && (size & (size - 1)) == 0)
        return TRUE;
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "an object size of %" G_GUINT64_FORMAT
                        " bytes is not possible: a power of two from %u to %u",
                        size, OBJECT_MIN, OBJECT_MAX);
}

gboolean
store_add_refuse(StoreConn *conn,
                 rados_ioctx_t io,
                 const char *pool,
                 const char *image,
                 GError **error)
{
    g_auto(StoreHandle) handle = NULL;
    g_auto(GStrv) watchers = NULL;
    bool crowded = false;
    int is_protected = 0;
    int r = rbd_open_read_only(io, image, &handle, NULL);

    if (r >= 0)
        r = store_watchers_read(handle, &watchers, &crowded);
    if (r < 0 && r != -ENOENT)
        return store_fail(error, conn, r, "cannot look at image '%s/%s'", pool,
                          image);
    if (handle)
        r = rbd_snap_is_protected(handle, STORE_SNAP, &is_protected);
    if (r >= 0 && is_protected)
        return store_refuse(error, STORE_ERROR_BUSY,
                            "image '%s/%s' is there already and is never "
                            "overwritten: add this one under another name",
                            pool, image);
    if (r >= 0)
        return store_refuse(error, STORE_ERROR_BUSY,
                            "image '%s/%s' is there already, but its snapshot "
                            "is not protected: if it was added in vain, finish "
                            "it (rbd snap protect %s/%s@%s)",
                            pool, image, pool, image, STORE_SNAP);
    if (crowded)
        return store_watchers_refuse(pool, image, error);
    if (watchers && watchers[0])
        return store_refuse(error, STORE_ERROR_BUSY,
                            "image '%s/%s' is being made by client '%s', which "
                            "has no claim on it: wait for it; if that client "
                            "is dead, wait 60 s, remove the image (remora "
                            "image rm %s/%s) and add it again",
                            pool, image, watchers[0], pool, image);
    return store_refuse(error, STORE_ERROR_BUSY,
                        "image '%s/%s' is there without a snapshot '%s', as "
                        "an add that was cut short leaves it: remove it "
                        "(remora image rm %s/%s) and add it again",
                        pool, image, STORE_SNAP, pool, image);
}

gboolean
store_add_create(StoreCopy *copy,
                 rados_ioctx_t io,
                 gpointer data,
                 GError **error)
{
    StoreConn *conn = copy->conn;
    rbd_image_options_t options;
    guint64 order =
        (guint64)g_bit_nth_msf((gulong)copy->source->object_size, -1);
    int r;

    (void)data;
    rbd_image_options_create(&options);
    r = rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_FORMAT, 2);
    if (r >= 0)
        r = rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_ORDER,
                                         order);
    if (r >= 0)
        r = rbd_create4(io, copy->image, copy->size, options);
    if (r >= 0)
        r = STORE_FAULT("image-created");
    rbd_image_options_destroy(options);
    if (r == -EEXIST)
        return store_add_refuse(conn, io, copy->pool, copy->image, error);
    if (r < 0)
        return store_fail(
            error, conn, r, "cannot create image '%s/%s' as 'client.%s'",
            copy->pool, copy->image, store_cluster_user(conn->cluster));
    return TRUE;
}

static gboolean
copy_content(StoreCopy *copy, gpointer data, GError **error)
{
    (void)data;
    return store_copy(copy, error);
}

static gboolean
mark(const StoreCopy *copy, const char *id, GError **error)
{
    g_autofree char *text =
        store_mark_new(copy->conn, copy->image, STORE_SNAP, id);
    int r = rbd_metadata_set(copy->handle, STORE_BUILDING_KEY, text);

    if (r >= 0)
        r = STORE_FAULT("image-marked");
    return r >= 0 || store_fail(error, copy->conn, r, "cannot mark '%s/%s'",
                                copy->pool, copy->image);
}

static gboolean
accept_it(const StoreCopy *copy, GError **error)
{
    const StoreImageSource *source = copy->source;

    return !source->accept || source->accept(source->data, error);
}

static gboolean
seal(const StoreCopy *copy, GError **error)
{
    int r = STORE_FAULT("image-filled");

    if (r >= 0)
        r = rbd_snap_create(copy->handle, STORE_SNAP);
    if (r >= 0)
        r = STORE_FAULT("image-snapped");
    if (r >= 0)
        r = rbd_snap_protect(copy->handle, STORE_SNAP);
    if (r >= 0)
        r = STORE_FAULT("image-protected");
    if (r < 0)
        return store_fail(error, copy->conn, r,
                          "cannot make the snapshot '%s/%s@%s'", copy->pool,
                          copy->image, STORE_SNAP);
    /* With the snapshot it says nothing any more. */
    (void)rbd_metadata_remove(copy->handle, STORE_BUILDING_KEY);
    return TRUE;
}

static gboolean
fill(StoreCopy *copy,
     rados_ioctx_t io,
     const StoreAddWay *way,
     char *id,
     gsize id_size,
     GError **error)
{
    gboolean ok;
    int r = rbd_open(io, copy->image, &copy->handle, NULL);

    if (r >= 0)
        r = rbd_get_id(copy->handle, id, id_size);
    ok = r >= 0 ? mark(copy, id, error) && way->fill(copy, way->data, error) &&
                      accept_it(copy, error) && seal(copy, error)
                : store_fail(error, copy->conn, r,
                             "cannot open the new image '%s/%s'", copy->pool,
                             copy->image);
    /* Everything was flushed before the snapshot. */
    store_rbd_clear(&copy->handle);
    return ok;
}

/* Removes what this call made, if it is still that. */
static int
undo(const StoreCopy *copy, rados_ioctx_t io, const char *id)
{
    g_auto(StoreHandle) handle = NULL;
    char found[128] = "";
    int r = rbd_open(io, copy->image, &handle, NULL);

    if (r >= 0)
        r = rbd_get_id(handle, found, sizeof(found));
    if (r < 0)
        return r;
    if (strcmp(found, id) != 0)
        return 0; /* somebody has removed it and made another */
    /* There may be none, and rbd_remove() says so if there still is. */
    (void)rbd_snap_unprotect(handle, STORE_SNAP);
    (void)rbd_snap_remove(handle, STORE_SNAP);
    store_rbd_clear(&handle);
    return rbd_remove(io, copy->image);
}

static void
clean_up(const StoreCopy *copy, rados_ioctx_t io, const char *id, GError *why)
{
    g_autofree char *text = NULL;

    if (*id && store_conn_may_write(copy->conn, why) && undo(copy, io, id) >= 0)
        return;
    text = g_strdup_printf("%s; what there is of it is left: remove it "
                           "(remora image rm %s/%s)",
                           why->message, copy->pool, copy->image);
    g_free(why->message);
    why->message = g_steal_pointer(&text);
}

gboolean
store_add_check(const StoreImageSource *source,
                const char *pool,
                const char *image,
                StoreCopy *ret_copy,
                GError **error)
{
    *ret_copy = (StoreCopy){.source = source, .pool = pool, .image = image};
    return check_object_size(source->object_size, error) &&
           check_source(ret_copy, error);
}

gboolean
store_add_check_filled(const StoreImageSource *source,
                       const char *pool,
                       const char *image,
                       guint64 size,
                       StoreCopy *ret_copy,
                       GError **error)
{
    *ret_copy = (StoreCopy){
        .source = source, .pool = pool, .image = image, .size = size};
    return check_object_size(source->object_size, error);
}

gboolean
store_add_by(StoreConn *conn,
             rados_ioctx_t io,
             const StoreAddWay *way,
             StoreCopy *copy,
             GError **error)
{
    g_autoptr(GError) why = NULL;
    char id[128] = "";

    copy->conn = conn;
    if (!way->create(copy, io, way->data, error))
        return FALSE;
    if (fill(copy, io, way, id, sizeof(id), &why))
        return TRUE;
    clean_up(copy, io, id, why);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

gboolean
store_add(StoreConn *conn, rados_ioctx_t io, StoreCopy *copy, GError **error)
{
    static const StoreAddWay way = {.create = store_add_create,
                                    .fill = copy_content};

    return store_add_by(conn, io, &way, copy, error);
}
