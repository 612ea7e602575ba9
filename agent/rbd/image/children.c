/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/children.c - the clones of an image, as far as they can be seen
 */
#include "config.h"

#include "agent/rbd/image/children.h"

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/image/class.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/omap.h"

#include <errno.h>
#include <string.h>

#define ANSWER_FIRST (64u * 1024u)
#define ANSWER_MAX   (16u * 1024u * 1024u)
#define POOLS_BYTES  (256u * 1024u)
#define POOL_NAME    256u
#define SNAPS_MAX    1024
#define NAMED        3u
#define VALUE_MAX    2048u

void
store_child_free(StoreChild *child)
{
    if (!child)
        return;
    g_free(child->pool);
    g_free(child->space);
    g_free(child->id);
    g_free(child->image);
    g_free(child);
}

/* ---- what the object classes say ----------------------------------------------- */

/* A later version may have more behind what is known here. */
static StoreChild *
take_child(StoreCoded *decoder)
{
    StoreChild *child = g_new0(StoreChild, 1);
    guint version = (guint)store_coded_take(decoder, 1);
    gsize len;
    StoreCoded body;

    (void)store_coded_take(decoder, 1);
    len = (gsize)store_coded_take(decoder, 4);
    if (len > decoder->left)
        decoder->bad = true;
    body = (StoreCoded){decoder->at, len, decoder->bad};
    child->format = 2;
    child->pool_id = (gint64)store_coded_take(&body, 8);
    child->id = store_coded_take_string(&body);
    child->space = version >= 2 ? store_coded_take_string(&body) : g_strdup("");
    decoder->bad |= body.bad;
    if (!decoder->bad) {
        decoder->at += len;
        decoder->left -= len;
    }
    return child;
}

int
store_children_parse_v2(const guint8 *data, gsize len, GPtrArray *children)
{
    StoreCoded decoder = {data, len, false};
    guint64 n = store_coded_take(&decoder, 4);

    for (guint64 i = 0; i < n && !decoder.bad; i++) {
        StoreChild *child = take_child(&decoder);

        if (decoder.bad)
            store_child_free(child);
        else
            g_ptr_array_add(children, child);
    }
    return decoder.bad ? -EBADMSG : 0;
}

int
store_children_parse_v1(const guint8 *data, gsize len, GPtrArray *children)
{
    StoreCoded decoder = {data, len, false};
    guint64 n = store_coded_take(&decoder, 4);

    for (guint64 i = 0; i < n && !decoder.bad; i++) {
        g_autofree char *id = store_coded_take_string(&decoder);
        StoreChild *child;

        if (decoder.bad)
            break;
        child = g_new0(StoreChild, 1);
        child->format = 1;
        child->id = g_steal_pointer(&id);
        child->space = g_strdup("");
        g_ptr_array_add(children, child);
    }
    return decoder.bad ? -EBADMSG : 0;
}

/* ---- asking them --------------------------------------------------------------- */

/* The answer, or NULL and librados' number. */
static guint8 *
ask(rados_ioctx_t io,
    const char *object,
    const char *method,
    const GByteArray *question,
    int *ret_len)
{
    gsize size = ANSWER_FIRST;

    do {
        g_autofree guint8 *answer = g_malloc(size);
        int r = store_class_call(io, object, method, question, answer, size);

        *ret_len = r;
        if (r >= 0)
            return g_steal_pointer(&answer);
        size *= 8;
    } while (*ret_len == -ERANGE && size <= ANSWER_MAX);
    return NULL;
}

static int
read_v2(rados_ioctx_t io, const char *id, guint64 snap_id, GPtrArray *children)
{
    g_autofree char *object = g_strconcat("rbd_header.", id, NULL);
    g_autoptr(GByteArray) question = store_class_number(snap_id);
    g_autofree guint8 *answer = NULL;
    int len;

    answer = ask(io, object, "children_list", question, &len);
    if (!answer)
        return len == -ENOENT ? 0 : len;
    return store_children_parse_v2(answer, (gsize)len, children);
}

static int
read_v1(rados_ioctx_t child_io,
        gint64 parent_pool,
        const char *id,
        guint64 snap_id,
        GPtrArray *children)
{
    g_autoptr(GByteArray) question =
        store_class_parent(parent_pool, id, snap_id);
    g_autofree guint8 *answer = NULL;
    guint before = children->len;
    int len;
    int r;

    answer = ask(child_io, "rbd_children", "get_children", question, &len);
    if (!answer)
        return len == -ENOENT ? 0 : len;
    r = store_children_parse_v1(answer, (gsize)len, children);
    for (guint i = before; i < children->len; i++) {
        StoreChild *child = g_ptr_array_index(children, i);

        child->pool_id = rados_ioctx_get_id(child_io);
    }
    return r;
}

/* ---- pools and names ----------------------------------------------------------- */

/* NULL-terminated; g_strfreev() it. */
static char **
pool_names(rados_t rados)
{
    g_autofree char *names = g_malloc0(POOLS_BYTES);
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    int r = rados_pool_list(rados, names, POOLS_BYTES - 2);

    for (const char *name = names; r >= 0 && *name; name += strlen(name) + 1)
        g_ptr_array_add(list, g_strdup(name));
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

static bool
has_key(rados_ioctx_t io, const char *object, const char *id, char **ret_value)
{
    g_autofree char *key = g_strconcat("id_", id, NULL);
    guint8 raw[VALUE_MAX];
    int got = store_omap_read(io, object, key, raw, sizeof(raw));

    if (got >= 0 && ret_value) {
        StoreCoded decoder = {raw, (gsize)got, false};

        *ret_value = store_coded_take_string(&decoder);
    }
    return got >= 0 || got == -EINVAL;
}

/* What cannot be seen of it stays NULL. */
static void
find_name(StoreConn *conn, StoreChild *child)
{
    char pool[POOL_NAME] = "";
    g_auto(StoreIo) io = NULL;
    int r = rados_pool_reverse_lookup(conn->rados, child->pool_id, pool,
                                      sizeof(pool));

    if (r < 0)
        return;
    child->pool = g_strdup(pool);
    if (rados_ioctx_create2(conn->rados, child->pool_id, &io) < 0)
        return;
    rados_ioctx_set_namespace(io, child->space);
    if (!has_key(io, STORE_CLASS_DIRECTORY, child->id, &child->image))
        child->trash = has_key(io, "rbd_trash", child->id, NULL);
}

/* ---- all of them --------------------------------------------------------------- */

typedef struct {
    gint64 pool;
    char id[128];
    rbd_snap_info_t *snaps;
    int n_snaps;
} Parent;

static int
parent_read(rados_ioctx_t io, rbd_image_t handle, Parent *parent)
{
    int max = SNAPS_MAX;
    int r = rbd_get_id(handle, parent->id, sizeof(parent->id));

    parent->pool = rados_ioctx_get_id(io);
    parent->snaps = g_new0(rbd_snap_info_t, SNAPS_MAX);
    if (r >= 0)
        r = rbd_snap_list(handle, parent->snaps, &max);
    parent->n_snaps = MAX(r, 0);
    return r < 0 ? r : 0;
}

static void
parent_clear(Parent *parent)
{
    if (parent->n_snaps > 0)
        rbd_snap_list_end(parent->snaps);
    g_free(parent->snaps);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parent, parent_clear)

static int
read_pool(StoreConn *conn,
          const Parent *parent,
          const char *pool,
          GPtrArray *children)
{
    g_auto(StoreIo) io = NULL;
    int r = rados_ioctx_create(conn->rados, pool, &io);

    for (int i = 0; r >= 0 && i < parent->n_snaps; i++)
        r = read_v1(io, parent->pool, parent->id, parent->snaps[i].id,
                    children);
    return r == -ENOENT ? 0 : r;
}

int
store_children_read(StoreConn *conn,
                    gpointer io,
                    gpointer handle,
                    GPtrArray *children,
                    GPtrArray *unseen)
{
    g_auto(Parent) parent = {0};
    g_auto(GStrv) pools = pool_names(conn->rados);
    int r = parent_read(io, handle, &parent);

    for (int i = 0; r >= 0 && i < parent.n_snaps; i++)
        r = read_v2(io, parent.id, parent.snaps[i].id, children);
    for (gsize i = 0; r >= 0 && parent.n_snaps > 0 && pools[i]; i++) {
        r = read_pool(conn, &parent, pools[i], children);
        if (r == -EPERM || r == -EACCES) {
            g_ptr_array_add(unseen, g_strdup(pools[i]));
            r = 0;
        }
    }
    for (guint i = 0; r >= 0 && i < children->len; i++)
        find_name(conn, g_ptr_array_index(children, i));
    return r;
}

/* ---- in words ------------------------------------------------------------------ */

static char *
child_text(const StoreChild *child)
{
    const char *pool = child->pool ? child->pool : "?";
    const char *slash = child->space[0] ? "/" : "";

    if (child->image)
        return g_strdup_printf("'%s%s%s/%s'", pool, slash, child->space,
                               child->image);
    return g_strdup_printf("%s '%s%s%s/%s'",
                           child->trash ? "in the trash" : "with the id", pool,
                           slash, child->space, child->id);
}

char *
store_children_text(const GPtrArray *children, guint format)
{
    GString *text = g_string_new(NULL);
    guint n = 0;

    for (guint i = 0; i < children->len; i++) {
        const StoreChild *child = g_ptr_array_index(children, i);
        g_autofree char *one = NULL;

        if ((format && child->format != format) || n++ >= NAMED)
            continue;
        one = child_text(child);
        g_string_append_printf(text, "%s%s", n > 1 ? ", " : "", one);
    }
    if (n > NAMED)
        g_string_append_printf(text, " and %u more", n - NAMED);
    return g_string_free(text, FALSE);
}
