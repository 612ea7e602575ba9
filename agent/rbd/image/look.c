/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/look.c - how does this image stand?
 *
 * Looks are read-only opens: cheap, without a watch of their own, and they
 * work while a dead client's watch still lingers. That an image opens proves
 * nothing about it (a clone that was cut short opens too, at the right size
 * and blank); only the mark does. A clone inherits its parent's metadata,
 * marks included, so a mark counts only if it names the image's own id.
 */
#include "config.h"

#include "agent/rbd/image/look.h"

#include "agent/rbd/conn/aio.h"
#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/names.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/class.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/omap.h"
#include "agent/rbd/image/peek.h"
#include "agent/rbd/image/watchers.h"

#include <errno.h>
#include <string.h>

#define MARK_MAX 1024u

void
store_look_clear(StoreLook *look)
{
    g_clear_pointer(&look->parent_name, g_free);
    g_clear_pointer(&look->made_of, g_free);
    g_clear_pointer(&look->owner, g_free);
    g_clear_pointer(&look->watchers, g_strfreev);
}

char *
store_mark_new(const StoreConn *conn,
               const char *owner,
               const char *label,
               const char *id)
{
    return g_strdup_printf(
        "id=%s owner=%s disk=%s instance=%s since=%" G_GINT64_FORMAT, id, owner,
        label, conn->instance, g_get_real_time() / G_USEC_PER_SEC);
}

/* An image's mark, asked for while it is opened. */
typedef struct {
    StoreAio aio;
    StoreClassLong answer;
} EarlyMark;

static void
early_mark_begin(EarlyMark *early, rados_ioctx_t io, const char *id)
{
    g_autofree char *header = g_strconcat("rbd_header.", id, NULL);
    g_autoptr(GByteArray) key = store_class_string(STORE_MARK_KEY);
    rados_read_op_t op = rados_create_read_op();

    store_class_ask_long(op, "metadata_get", key, &early->answer);
    store_aio_read(&early->aio, io, header, op);
}

/* NULL: there is none, or it has to be asked for once more. */
static char *
early_mark_end(EarlyMark *early)
{
    int r = store_aio_end(&early->aio);
    StoreCoded answer = store_class_read_long(&early->answer);
    g_autofree char *text = store_coded_take_string(&answer);

    return r < 0 || answer.bad ? NULL : g_steal_pointer(&text);
}

/* Whether that is a mark that names this very image. */
static bool
is_mark_of(const char *text, const StoreLook *look)
{
    g_autofree char *id = store_word(text, "id");

    return strcmp(id, look->id) == 0;
}

/* Whether there is a mark of that name that names this very image. */
static int
read_one_mark(rbd_image_t handle,
              const char *key,
              const StoreLook *look,
              char *text,
              bool *ret_marked)
{
    size_t len = MARK_MAX - 1;
    int r = rbd_metadata_get(handle, key, text, &len);

    *ret_marked = false;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    *ret_marked = is_mark_of(text, look);
    return 0;
}

static int
read_made_of(rbd_image_t handle, StoreLook *look)
{
    char text[MARK_MAX] = "";
    size_t len = sizeof(text) - 1;
    int r = rbd_metadata_get(handle, STORE_MADE_OF_KEY, text, &len);

    if (r >= 0 && strchr(text, '/'))
        look->made_of = g_strdup(text);
    return r == -ENOENT ? 0 : r;
}

/* A whole image has lost its building mark, or is about to. early: its mark, if that
 * is known already; or NULL. */
static int
read_marks(rbd_image_t handle, const char *early, StoreLook *look)
{
    char text[MARK_MAX] = "";
    int r = 0;

    look->marked = early && is_mark_of(early, look);
    if (look->marked)
        g_strlcpy(text, early, sizeof(text));
    else
        r = read_one_mark(handle, STORE_MARK_KEY, look, text, &look->marked);
    if (r < 0)
        return r;
    if (look->marked) {
        look->owner = store_word(text, "owner");
        return 0;
    }
    r = read_one_mark(handle, STORE_BUILDING_KEY, look, text, &look->building);
    return r >= 0 && look->building ? read_made_of(handle, look) : r;
}

static int
read_parent(rbd_image_t handle, StoreLook *look)
{
    rbd_linked_image_spec_t image = {0};
    rbd_snap_spec_t snap = {0};
    const char *space;
    int r = rbd_get_parent(handle, &image, &snap);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    look->has_parent = true;
    space = image.pool_namespace ? image.pool_namespace : "";
    g_strlcpy(look->parent.id, image.image_id, sizeof(look->parent.id));
    look->parent.snap_id = snap.id;
    look->parent_name =
        g_strdup_printf("%s/%s%s%s@%s", image.pool_name, space,
                        *space ? "/" : "", image.image_name, snap.name);
    rbd_linked_image_spec_cleanup(&image);
    rbd_snap_spec_cleanup(&snap);
    return rbd_get_overlap(handle, &look->overlap);
}

/* Asked for none, librbd says how many it has: one more than there
 * are. */
static int
read_snaps(rbd_image_t handle, StoreLook *look)
{
    rbd_snap_info_t none;
    int max = 0;
    int r = rbd_snap_list(handle, &none, &max);

    if (r < 0 && r != -ERANGE)
        return r;
    look->snaps = max > 0 ? (guint)max - 1 : 0;
    return 0;
}

static int
read_all(rbd_image_t handle, const char *early, StoreLook *look)
{
    int r = rbd_get_id(handle, look->id, sizeof(look->id));

    if (r >= 0)
        r = rbd_get_size(handle, &look->size);
    if (r >= 0)
        r = read_marks(handle, early, look);
    if (r >= 0)
        r = read_parent(handle, look);
    if (r >= 0)
        r = read_snaps(handle, look);
    if (r >= 0)
        r = store_watchers_read(handle, &look->watchers, &look->crowded);
    return r;
}

/* The id that a name leads to by the object of its own. */
static int
read_id_object(rados_ioctx_t io, const char *image, guint8 *raw, gsize size)
{
    g_autofree char *object = g_strconcat("rbd_id.", image, NULL);

    return rados_read(io, object, (char *)raw, size, 0);
}

/* The same by the pool's directory. */
static int
read_directory(rados_ioctx_t io, const char *image, guint8 *raw, gsize size)
{
    g_autofree char *key = g_strconcat("name_", image, NULL);

    return store_omap_read(io, STORE_CLASS_DIRECTORY, key, raw, size);
}

/* A client that is killed while it creates or removes an image leaves one of
 * the two places without the other. */
int
store_id_read(rados_ioctx_t io, const char *image, char *id, gsize size)
{
    guint8 raw[STORE_ID_RAW];
    int got = read_id_object(io, image, raw, sizeof(raw));

    if (got == -ENOENT)
        got = read_directory(io, image, raw, sizeof(raw));
    return store_id_parse(raw, got, id, size);
}

/* An id that makes no sense takes the name all the same. */
int
store_name_is_taken(rados_ioctx_t io, const char *image, bool *ret_taken)
{
    char id[128];
    int r = store_id_read(io, image, id, sizeof(id));

    *ret_taken = r >= 0 || r == -EINVAL;
    return r == -ENOENT || r == -EINVAL ? 0 : r;
}

/* -ENOENT is no error: look->there tells whether the name is taken all the
 * same. Who creates it meanwhile is seen at the second attempt. */
static int
open_to_look(rados_ioctx_t io,
             const char *image,
             rbd_image_t *handle,
             StoreLook *look)
{
    int r = 0;

    for (int i = 0; i < 2; i++) {
        r = rbd_open_read_only(io, image, handle, NULL);
        look->opens = r >= 0;
        look->there = look->opens;
        if (r != -ENOENT)
            return r;
        r = store_name_is_taken(io, image, &look->there);
        if (r < 0 || !look->there)
            return r;
    }
    return r;
}

/* By name. */
static int
look_by_name(StoreConn *conn,
             rados_ioctx_t io,
             const char *image,
             StoreLook *look)
{
    StoreHandle handle = NULL;
    int r = open_to_look(io, image, &handle, look);

    if (r >= 0 && look->opens)
        r = read_all(handle, NULL, look);
    store_close_later(conn, handle);
    return r;
}

/* By the id that the name led to before, which saves librbd a round trip. Meanwhile
 * the mark is asked for, and the name once more. -EAGAIN: it leads elsewhere, or the
 * image cannot be looked at so. */
static int
look_by_id(StoreConn *conn,
           rados_ioctx_t io,
           const char *pool,
           const char *image,
           const char *id,
           StoreLook *look)
{
    g_autoptr(StorePeek) peek = store_peek_begin(conn, pool, image);
    g_autofree EarlyMark *early = g_new0(EarlyMark, 1);
    g_autofree char *mark = NULL;
    StoreHandle handle = NULL;
    char now[128] = "";
    int r;

    early_mark_begin(early, io, id);
    r = rbd_open_by_id_read_only(io, id, &handle, NULL);
    mark = early_mark_end(early);
    look->there = look->opens = r >= 0;
    if (r >= 0)
        r = read_all(handle, mark, look);
    if (r >= 0 &&
        (!store_peek_id(peek, now, sizeof(now)) || strcmp(now, id) != 0))
        r = -EAGAIN;
    store_close_later(conn, handle);
    if (r >= 0)
        return r;
    store_look_clear(look);
    memset(look, 0, sizeof(*look));
    /* What does not answer will not answer by its name either. */
    return r == -ETIMEDOUT ? r : -EAGAIN;
}

static gboolean
fail(StoreConn *conn,
     int r,
     const char *what,
     const char *pool,
     const char *image,
     GError **error)
{
    store_conn_note(conn, r, pool, image);
    return store_fail(error, NULL, r, "cannot %s '%s/%s'", what, pool, image);
}

gboolean
store_look(StoreConn *conn,
           const char *pool,
           const char *image,
           const char *id,
           StoreLook *ret_look,
           GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreLook) look = {0};
    int r = -EAGAIN;

    if (!store_ioctx(conn, pool, &io, error))
        return FALSE;
    if (id)
        r = look_by_id(conn, io, pool, image, id, &look);
    if (r == -EAGAIN)
        r = look_by_name(conn, io, image, &look);
    if (r >= 0)
        r = STORE_FAULT("looked");
    if (r < 0)
        return fail(conn, r, "look at image", pool, image, error);
    *ret_look = look;
    memset(&look, 0, sizeof(look));
    return TRUE;
}

static int
stop_at_data(uint64_t offset, size_t len, int exists, void *opaque)
{
    bool *data = opaque;

    (void)offset;
    (void)len;
    if (exists)
        *data = true;
    return 0;
}

gboolean
store_has_data(StoreConn *conn,
               const char *pool,
               const char *image,
               bool *ret_data,
               GError **error)
{
    g_auto(StoreIo) io = NULL;
    g_auto(StoreHandle) handle = NULL;
    uint64_t size = 0;
    int r;

    if (!store_ioctx(conn, pool, &io, error))
        return FALSE;
    *ret_data = false;
    r = rbd_open_read_only(io, image, &handle, NULL);
    if (r >= 0)
        r = rbd_get_size(handle, &size);
    if (r >= 0)
        r = rbd_diff_iterate2(handle, NULL, 0, size, 0, 1, stop_at_data,
                              ret_data);
    if (r < 0)
        return fail(conn, r, "list the data of", pool, image, error);
    return TRUE;
}
