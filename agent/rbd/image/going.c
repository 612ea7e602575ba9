/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/going.c - images whose removal was cut short
 *
 * librbd lists the trash without them, so the pool's object 'rbd_trash' is read
 * itself. One that was cut short before its entry said that it is in the trash
 * is refused by librbd (16.2) for ever; its entry is put right first.
 */
#include "config.h"

#include "agent/rbd/image/going.h"

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/class.h"

#include <errno.h>
#include <rados/librados.h>
#include <rbd/librbd.h>
#include <string.h>

#define TRASH     "rbd_trash"
#define ID_PREFIX "id_"
#define PAGE      512u
/* An image may be moved to the trash while it is read. */
#define ENTRIES_MAX 65536u

/* cls_rbd's numbers. */
enum { SOURCE_REMOVING = 3 };
enum { STATE_NORMAL = 0, STATE_MOVING = 1 };

/* ---- an entry ------------------------------------------------------------------- */

/* More may be behind what is known here. */
gboolean
store_going_parse(const guint8 *data, gsize len, StoreGoing *ret_going)
{
    StoreCoded from = {data, len, false};
    guint version = (guint)store_coded_take(&from, 1);
    g_autofree char *name = NULL;
    guint source;

    (void)store_coded_take(&from, 1); /* the oldest reader */
    (void)store_coded_take(&from, 4); /* the length */
    source = (guint)store_coded_take(&from, 1);
    name = store_coded_take_string(&from);
    (void)store_coded_take(&from, 8); /* since when */
    (void)store_coded_take(&from, 8); /* until when it is kept */
    if (from.bad || version < 1)
        return FALSE;
    *ret_going = (StoreGoing){
        .name = g_steal_pointer(&name),
        .going = source == SOURCE_REMOVING,
        .stuck = version >= 2 && store_coded_take(&from, 1) == STATE_MOVING,
    };
    return TRUE;
}

/* ---- all of them ----------------------------------------------------------------- */

typedef struct {
    const char *image;
    bool stuck_too; /* also those that are kept, if they are stuck */
    GPtrArray *ids;
} Search;

static bool
is_wanted(const Search *search, const StoreGoing *going)
{
    return (going->going || (search->stuck_too && going->stuck)) &&
           strcmp(going->name, search->image) == 0;
}

/* The last key that was read, or NULL at the end. */
static char *
take_page(rados_omap_iter_t iter, const Search *search)
{
    char *last = NULL;
    char *key = NULL;
    char *value = NULL;
    size_t len = 0;

    while (rados_omap_get_next(iter, &key, &value, &len) >= 0 && key) {
        StoreGoing going = {0};

        if (g_str_has_prefix(key, ID_PREFIX) &&
            store_going_parse((const guint8 *)value, len, &going) &&
            is_wanted(search, &going))
            g_ptr_array_add(search->ids, g_strdup(key + strlen(ID_PREFIX)));
        g_free(going.name);
        g_free(last);
        last = g_strdup(key);
    }
    return last;
}

/* librados' number, and in *at where to go on. */
static int
read_page(rados_ioctx_t io, const Search *search, char **at, bool *ret_more)
{
    rados_read_op_t op = rados_create_read_op();
    rados_omap_iter_t iter = NULL;
    unsigned char more = 0;
    int got = 0;
    int r;

    rados_read_op_omap_get_vals2(op, *at ? *at : "", "", PAGE, &iter, &more,
                                 &got);
    r = rados_read_op_operate(op, io, TRASH, 0);
    r = r < 0 ? r : got;
    if (r >= 0) {
        g_free(*at);
        *at = take_page(iter, search);
    }
    *ret_more = r >= 0 && more && *at;
    if (iter)
        rados_omap_get_end(iter);
    rados_release_read_op(op);
    return r;
}

/* A pool without that object has nothing in the trash. */
static char **
read_ids(rados_ioctx_t io, const char *image, bool stuck_too, int *ret_r)
{
    g_autoptr(GPtrArray) ids = g_ptr_array_new();
    const Search search = {image, stuck_too, ids};
    g_autofree char *at = NULL;
    bool more = true;
    int r = 0;

    for (guint i = 0; r >= 0 && more && i < ENTRIES_MAX / PAGE; i++)
        r = read_page(io, &search, &at, &more);
    *ret_r = r == -ENOENT ? 0 : r;
    g_ptr_array_add(ids, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&ids), FALSE);
}

char **
store_going_ids(StoreConn *conn,
                gpointer io,
                const char *pool,
                const char *image,
                GError **error)
{
    int r;
    char **ids = read_ids(io, image, true, &r);

    if (r >= 0)
        return ids;
    g_strfreev(ids);
    store_fail(error, conn, r, "cannot read the trash of pool '%s'", pool);
    return NULL;
}

/* ---- one of them ------------------------------------------------------------------ */

/* Nobody is at work on it: it is not changed if it says so no more. */
static int
put_right(rados_ioctx_t io, const char *id)
{
    g_autoptr(GByteArray) question = g_byte_array_new();
    guint8 nothing[1];
    int r;

    store_coded_put_string(question, id);
    store_coded_put(question, STATE_NORMAL, 1);
    store_coded_put(question, STATE_MOVING, 1);
    r = store_class_call(io, TRASH, "trash_state_set", question, nothing,
                         sizeof(nothing));
    return r == -ESTALE ? 0 : r;
}

/* One that is gone by now is neither. */
static int
read_entry(rados_ioctx_t io, const char *id, StoreGoing *ret_going)
{
    g_autofree char *name = g_strconcat(ID_PREFIX, id, NULL);
    const char *const keys[] = {name};
    rados_read_op_t op = rados_create_read_op();
    rados_omap_iter_t iter = NULL;
    char *key = NULL;
    char *value = NULL;
    size_t len = 0;
    int got = 0;
    int r;

    rados_read_op_omap_get_vals_by_keys(op, keys, 1, &iter, &got);
    r = rados_read_op_operate(op, io, TRASH, 0);
    r = r < 0 ? r : got;
    if (r >= 0 && rados_omap_get_next(iter, &key, &value, &len) >= 0 && key)
        (void)store_going_parse((const guint8 *)value, len, ret_going);
    if (iter)
        rados_omap_get_end(iter);
    rados_release_read_op(op);
    return r;
}

gboolean
store_going_finish(StoreConn *conn,
                   gpointer io,
                   const char *pool,
                   const char *image,
                   const char *id,
                   GError **error)
{
    StoreGoing going = {0};
    int r = read_entry(io, id, &going);

    g_free(going.name);
    if (r >= 0 && going.stuck)
        r = put_right(io, id);
    if (r >= 0 && going.going)
        r = rbd_trash_remove(io, id, true);
    if (r >= 0 || r == -ENOENT)
        return TRUE;
    if (r == -EBUSY)
        return store_refuse(error, STORE_ERROR_BUSY,
                            "image '%s/%s' is being removed by a client: wait "
                            "for it; if it is dead, try again in 60 s",
                            pool, image);
    return store_fail(error, conn, r,
                      "cannot finish the removal of image '%s/%s'", pool,
                      image);
}

char *
store_going_find(StoreCluster *cluster,
                 const char *const *pools,
                 const char *image)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, NULL);

    for (gsize i = 0; conn && pools[i]; i++) {
        g_auto(StoreIo) io = NULL;
        g_auto(GStrv) ids = NULL;
        int r;

        if (rados_ioctx_create(conn->rados, pools[i], &io) >= 0)
            ids = read_ids(io, image, false, &r);
        if (ids && ids[0])
            return g_strdup(pools[i]);
    }
    return NULL;
}
