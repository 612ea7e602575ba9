/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/add.c - a file becomes an image, as Glance lays it out
 *
 * Format 2, the content, a protected snapshot 'snap'. The snapshot comes last
 * and only after a flush, so an image that has it is whole: whatever dies
 * before leaves an image that nobody can clone. The name is created
 * exclusively; what is removed after a failure has the id of what was created
 * here, never just its name.
 */
#include "config.h"

#include "agent/rbd/image/add.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/copy.h"
#include "agent/rbd/image/format.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/list.h"
#include "agent/rbd/image/watchers.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Pieces smaller than this would be written one by one for hours; the other
 * end is RBD's own. */
#define OBJECT_MIN 4096u
#define OBJECT_MAX (32u * 1024u * 1024u)

static gboolean
check_file(StoreCopy *copy, GError **error)
{
    struct stat info;
    guint8 head[STORE_HEAD_BYTES];
    off_t size = -1;
    gssize got;
    const char *format;

    if (fstat(copy->fd, &info) == 0 &&
        (S_ISREG(info.st_mode) || S_ISBLK(info.st_mode)))
        size = lseek(copy->fd, 0, SEEK_END);
    got = pread(copy->fd, head, sizeof(head), 0);
    if (size <= 0 || got <= 0)
        return store_refuse(error, STORE_ERROR_REFUSED,
                            "what is to become '%s/%s' is no file or block "
                            "device with anything in it that can be read",
                            copy->pool, copy->image);
    format = store_format_sniff(head, (gsize)got);
    if (format)
        return store_refuse(error, STORE_ERROR_REFUSED,
                            "the file for '%s/%s' holds %s and only raw images "
                            "can be cloned: convert it (qemu-img convert -O "
                            "raw FILE FILE.raw) and add that",
                            copy->pool, copy->image, format);
    copy->size = (guint64)size;
    return TRUE;
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

/* What to do about an image that is there already depends on how far it
 * came. */
static gboolean
refuse_existing(StoreConn *conn,
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
                            "image '%s/%s' is being added by client '%s': wait "
                            "for it; if that client is dead, wait 60 s, remove "
                            "the image (rbd rm %s/%s) and add it again",
                            pool, image, watchers[0], pool, image);
    return store_refuse(error, STORE_ERROR_BUSY,
                        "image '%s/%s' is there without a snapshot '%s', as "
                        "an add that was cut short leaves it: remove it (rbd "
                        "rm %s/%s) and add it again",
                        pool, image, STORE_SNAP, pool, image);
}

static gboolean
create(const StoreCopy *copy, rados_ioctx_t io, GError **error)
{
    StoreConn *conn = copy->conn;
    rbd_image_options_t options;
    guint64 order = (guint64)g_bit_nth_msf((gulong)copy->object_size, -1);
    int r;

    rbd_image_options_create(&options);
    r = rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_FORMAT, 2);
    if (r >= 0)
        r = rbd_image_options_set_uint64(options, RBD_IMAGE_OPTION_ORDER,
                                         order);
    if (r >= 0)
        r = rbd_create4(io, copy->image, copy->size, options);
    rbd_image_options_destroy(options);
    if (r == -EEXIST)
        return refuse_existing(conn, io, copy->pool, copy->image, error);
    if (r < 0)
        return store_fail(
            error, conn, r, "cannot create image '%s/%s' as 'client.%s'",
            copy->pool, copy->image, store_cluster_user(conn->cluster));
    return TRUE;
}

static gboolean
seal(const StoreCopy *copy, GError **error)
{
    int r = rbd_snap_create(copy->handle, STORE_SNAP);

    if (r >= 0)
        r = rbd_snap_protect(copy->handle, STORE_SNAP);
    if (r < 0)
        return store_fail(error, copy->conn, r,
                          "cannot make the snapshot '%s/%s@%s'", copy->pool,
                          copy->image, STORE_SNAP);
    return TRUE;
}

static gboolean
fill(StoreCopy *copy, rados_ioctx_t io, char *id, gsize id_size, GError **error)
{
    gboolean ok;
    int r = rbd_open(io, copy->image, &copy->handle, NULL);

    if (r >= 0)
        r = rbd_get_id(copy->handle, id, id_size);
    ok = r >= 0 ? store_copy(copy, error) && seal(copy, error)
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
    text = g_strdup_printf("%s; what there is of it is left: remove it (rbd rm "
                           "%s/%s)",
                           why->message, copy->pool, copy->image);
    g_free(why->message);
    why->message = g_steal_pointer(&text);
}

gboolean
store_image_add(StoreCluster *cluster,
                const char *pool,
                const char *image,
                int fd,
                guint64 object_size,
                StoreProgress progress,
                gpointer data,
                GError **error)
{
    g_autoptr(StoreConn) conn = NULL;
    g_autoptr(GError) why = NULL;
    g_auto(StoreIo) io = NULL;
    char id[128] = "";
    StoreCopy copy = {
        .pool = pool,
        .image = image,
        .fd = fd,
        .object_size = object_size,
        .progress = progress,
        .data = data,
    };

    if (!check_object_size(object_size, error) || !check_file(&copy, error))
        return FALSE;
    conn = store_conn_acquire(cluster, error);
    if (!conn || !store_ioctx(conn, pool, &io, error))
        return FALSE;
    /* On a full pool writes fail and say so, where they would wait for space
     * until the time limit. */
    rados_set_pool_full_try(io);
    copy.conn = conn;
    if (!create(&copy, io, error))
        return FALSE;
    if (fill(&copy, io, id, sizeof(id), &why))
        return TRUE;
    clean_up(&copy, io, id, why);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}
