/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/plain.c - what the headers of many images say, without librbd
 *
 * In four rounds, each of all images at once: the ids that names lead to, the
 * snapshots of the headers, what those are, and clones of format 1, which stand
 * in the pools that they are in. What changes meanwhile is seen as it was or as
 * it is, as a list by librbd would see it; what is gone by the next round is left
 * to librbd.
 */
#include "config.h"

#include "agent/rbd/image/plain.h"

#include "agent/rbd/conn/bulk.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/names.h"
#include "agent/rbd/image/class.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <string.h>

#define POOLS_BYTES   (256u * 1024u)
#define PROTECTED     2u /* RBD_PROTECTION_STATUS_PROTECTED */
#define CHILDREN_OF_1 "rbd_children"

typedef struct {
    guint64 id;
    StoreClassAnswer name;
    StoreClassAnswer size;
    StoreClassAnswer protection;
    StoreClassAnswer children;
} Snap;

typedef struct {
    StorePlain *image;
    bool open; /* for the next round */
    guint8 raw[STORE_ID_RAW];
    size_t raw_len;
    int raw_r;
    char id[128];
    StoreClassAnswer features;
    StoreClassAnswer context;
    guint n_snaps;
    Snap *snaps;
    const Snap *snap; /* the one that clones are made of */
    StoreClassAnswer old_children;
} Plain;

/* Pools as far as clones of format 1 are in them. */
typedef struct {
    GPtrArray *ios; /* of rados_ioctx_t */
    bool hidden;    /* one may not be looked at */
} Old;

/* ---- ids -------------------------------------------------------------------- */

static void
read_ids(rados_ioctx_t io, Plain *plains, guint n)
{
    g_autofree StoreBulk *all = store_bulk_new(n);

    for (guint i = 0; i < n; i++) {
        Plain *plain = &plains[i];

        rados_read_op_read(
            store_bulk_ask(&all[i],
                           g_strconcat("rbd_id.", plain->image->name, NULL)),
            0, sizeof(plain->raw), (char *)plain->raw, &plain->raw_len,
            &plain->raw_r);
    }
    store_bulk_run(io, all, n);
    for (guint i = 0; i < n; i++)
        plains[i].open =
            all[i].r >= 0 && plains[i].raw_r >= 0 &&
            store_id_parse(plains[i].raw, (int)plains[i].raw_len, plains[i].id,
                           sizeof(plains[i].id)) >= 0;
}

/* ---- headers ----------------------------------------------------------------- */

static char *
header_of(const Plain *plain)
{
    return g_strconcat("rbd_header.", plain->id, NULL);
}

bool
store_plain_parse_snaps(const guint8 *data,
                        gsize len,
                        guint64 ids[STORE_PLAIN_SNAPS],
                        guint *ret_n)
{
    StoreCoded from = {data, len, false};
    guint64 n;

    (void)store_coded_take(&from, 8);
    n = store_coded_take(&from, 4);
    if (from.bad || n > STORE_PLAIN_SNAPS)
        return false;
    for (guint64 i = 0; i < n; i++)
        ids[i] = store_coded_take(&from, 8);
    *ret_n = (guint)n;
    return !from.bad;
}

static bool
take_header(Plain *plain)
{
    StoreCoded from = store_class_read(&plain->features);
    guint64 features = store_coded_take(&from, 8);
    guint64 ids[STORE_PLAIN_SNAPS];

    if (from.bad || features & ~(guint64)STORE_CLASS_PLAIN ||
        plain->context.r < 0 ||
        !store_plain_parse_snaps((const guint8 *)plain->context.bytes,
                                 plain->context.len, ids, &plain->n_snaps))
        return false;
    plain->snaps = g_new0(Snap, plain->n_snaps);
    for (guint i = 0; i < plain->n_snaps; i++)
        plain->snaps[i].id = ids[i];
    return true;
}

static void
read_headers(rados_ioctx_t io, Plain *plains, guint n)
{
    g_autofree StoreBulk *all = store_bulk_new(n);
    g_autoptr(GByteArray) argument = store_class_features();

    for (guint i = 0; i < n; i++) {
        rados_read_op_t op;

        if (!plains[i].open)
            continue;
        op = store_bulk_ask(&all[i], header_of(&plains[i]));
        store_class_ask(op, "get_features", argument, &plains[i].features);
        store_class_ask(op, "get_snapcontext", NULL, &plains[i].context);
    }
    store_bulk_run(io, all, n);
    for (guint i = 0; i < n; i++)
        plains[i].open =
            plains[i].open && all[i].r >= 0 && take_header(&plains[i]);
}

/* ---- snapshots ---------------------------------------------------------------- */

static void
ask_snap(StoreBulk *one, const Plain *plain, Snap *snap)
{
    g_autoptr(GByteArray) argument = store_class_number(snap->id);
    rados_read_op_t op = store_bulk_ask(one, header_of(plain));

    store_class_ask(op, "get_snapshot_name", argument, &snap->name);
    store_class_ask(op, "get_size", argument, &snap->size);
    store_class_ask(op, "get_protection_status", argument, &snap->protection);
    /* No clone ever: no such key. */
    store_class_ask(op, "children_list", argument, &snap->children);
    rados_read_op_set_flags(op, LIBRADOS_OP_FLAG_FAILOK);
}

static bool
is_named(const Snap *snap, const char *name)
{
    StoreCoded from = store_class_read(&snap->name);
    g_autofree char *is = store_coded_take_string(&from);

    return !from.bad && strcmp(is, name) == 0;
}

/* Clones of format 2, which stand beside their snapshot. */
static bool
has_no_children(const Snap *snap)
{
    StoreCoded from = store_class_read(&snap->children);

    return snap->children.r == -ENOENT ||
           (store_coded_take(&from, 4) == 0 && !from.bad);
}

static bool
take_snap(Plain *plain)
{
    StoreCoded size = store_class_read(&plain->snap->size);
    StoreCoded protection = store_class_read(&plain->snap->protection);

    (void)store_coded_take(&size, 1); /* of its objects */
    plain->image->size = store_coded_take(&size, 8);
    plain->image->protected_snap =
        store_coded_take(&protection, 1) == PROTECTED;
    return !size.bad && !protection.bad;
}

/* children: whether clones are to be counted, which only librbd can. */
static bool
take_snaps(Plain *plain,
           const char *name,
           const StoreBulk *asked,
           bool children)
{
    for (guint i = 0; i < plain->n_snaps; i++) {
        const Snap *snap = &plain->snaps[i];

        if (asked[i].r < 0 || snap->name.r < 0)
            return false;
        if (is_named(snap, name))
            plain->snap = snap;
    }
    if (!plain->snap) {
        plain->image->state = STORE_PLAIN_NO_SNAP;
        return false;
    }
    return (!children || has_no_children(plain->snap)) && take_snap(plain);
}

static void
read_snaps(
    rados_ioctx_t io, const char *name, Plain *plains, guint n, bool children)
{
    g_autofree StoreBulk *all = NULL;
    guint total = 0;
    guint at = 0;

    for (guint i = 0; i < n; i++)
        total += plains[i].open ? plains[i].n_snaps : 0;
    all = store_bulk_new(total);
    for (guint i = 0; i < n; i++)
        for (guint s = 0; plains[i].open && s < plains[i].n_snaps; s++)
            ask_snap(&all[at++], &plains[i], &plains[i].snaps[s]);
    store_bulk_run(io, all, total);
    at = 0;
    for (guint i = 0; i < n; i++) {
        const StoreBulk *asked = &all[at];

        if (!plains[i].open)
            continue;
        at += plains[i].n_snaps;
        plains[i].open = take_snaps(&plains[i], name, asked, children);
    }
}

/* ---- clones of format 1 ---------------------------------------------------------- */

/* A pool that is gone has none. 'profile rbd' lets everybody ask the class in
 * every pool, also where he may not read. */
static int
add_old_pool(StoreConn *conn, const char *pool, Old *old)
{
    g_autoptr(GByteArray) nothing = store_class_parent(0, "", 0);
    g_auto(StoreIo) io = NULL;
    guint8 answer[STORE_CLASS_ANSWER];
    int r = rados_ioctx_create(conn->rados, pool, &io);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = store_class_call(io, CHILDREN_OF_1, "get_children", nothing, answer,
                         sizeof(answer));
    if (r == -EPERM)
        old->hidden = true;
    else if (r >= 0 || r == -ENOENT) {
        r = rados_stat(io, CHILDREN_OF_1, NULL, NULL);
        r = r == -EPERM ? 0 : r;
    }
    if (r >= 0)
        g_ptr_array_add(old->ios, g_steal_pointer(&io));
    return r == -EPERM || r == -ENOENT ? 0 : r;
}

static int
old_init(StoreConn *conn, Old *old)
{
    g_autofree char *names = g_malloc0(POOLS_BYTES);
    int r = rados_pool_list(conn->rados, names, POOLS_BYTES - 2);

    old->ios = g_ptr_array_new_with_free_func(rados_ioctx_destroy);
    if (r > (int)POOLS_BYTES - 2)
        return -ERANGE;
    for (const char *name = names; r >= 0 && *name; name += strlen(name) + 1)
        r = add_old_pool(conn, name, old);
    return r;
}

static void
old_clear(Old *old)
{
    g_clear_pointer(&old->ios, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Old, old_clear)

static void
read_old(rados_ioctx_t io, gint64 pool, Plain *plains, guint n)
{
    g_autofree StoreBulk *all = store_bulk_new(n);

    for (guint i = 0; i < n; i++) {
        g_autoptr(GByteArray) argument = NULL;

        if (!plains[i].open)
            continue;
        argument = store_class_parent(pool, plains[i].id, plains[i].snap->id);
        store_class_ask(store_bulk_ask(&all[i], g_strdup(CHILDREN_OF_1)),
                        "get_children", argument, &plains[i].old_children);
    }
    store_bulk_run(io, all, n);
    for (guint i = 0; i < n; i++)
        plains[i].open = plains[i].open && all[i].r == -ENOENT;
}

/* ---- all of it ------------------------------------------------------------------- */

static void
read_all(
    rados_ioctx_t io, const char *snap, const Old *old, Plain *plains, guint n)
{
    read_ids(io, plains, n);
    read_headers(io, plains, n);
    read_snaps(io, snap, plains, n, !old->hidden);
    for (guint i = 0; !old->hidden && i < old->ios->len; i++)
        read_old(g_ptr_array_index(old->ios, i), rados_ioctx_get_id(io), plains,
                 n);
    for (guint i = 0; i < n; i++) {
        plains[i].image->children_known = plains[i].open && !old->hidden;
        if (plains[i].open)
            plains[i].image->state = STORE_PLAIN_SNAP;
    }
}

int
store_plain_read(StoreConn *conn,
                 rados_ioctx_t io,
                 const char *snap,
                 StorePlain *images,
                 guint n)
{
    g_autofree Plain *plains = g_new0(Plain, n);
    g_auto(Old) old = {0};
    int r = old_init(conn, &old);

    for (guint i = 0; i < n; i++)
        plains[i].image = &images[i];
    if (r >= 0)
        read_all(io, snap, &old, plains, n);
    for (guint i = 0; i < n; i++)
        g_free(plains[i].snaps);
    return r;
}
