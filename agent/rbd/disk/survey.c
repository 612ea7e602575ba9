/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/survey.c - how many images of a pool stand, by their headers
 *
 * In three rounds, each of all images at once: the ids that names lead to, which
 * of the names without one are free, and the headers. Then the parents, of which
 * many disks have the same. What cannot be read, or is other than it is with the
 * disks of most, is left to librbd, which can say why.
 */
#include "config.h"

#include "agent/rbd/disk/survey.h"

#include "agent/rbd/conn/bulk.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/names.h"
#include "agent/rbd/image/class.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/image/omap.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <string.h>

#define LOCK "rbd_lock"

typedef struct {
    StoreSurvey *survey;
    bool open; /* for the next round */
    guint8 raw[STORE_ID_RAW];
    size_t raw_len;
    int raw_r;
    char id[STORE_ID_RAW];
    StoreClassAnswer listed;
    StoreClassAnswer features;
    StoreClassAnswer size;
    StoreClassAnswer parent;
    StoreClassAnswer overlap;
    StoreClassAnswer mark;
    StoreClassAnswer lock;
} Head;

void
store_survey_clear(StoreSurvey *survey)
{
    g_clear_pointer(&survey->parent, g_free);
    g_clear_pointer(&survey->owner, g_free);
}

static int
worst(const StoreBulk *all, guint n)
{
    for (guint i = 0; i < n; i++)
        if (all[i].r == -ETIMEDOUT || all[i].r == -ESHUTDOWN)
            return all[i].r;
    return 0;
}

/* ---- ids ---------------------------------------------------------------------- */

static int
read_ids(rados_ioctx_t io, Head *heads, guint n)
{
    g_autofree StoreBulk *all = store_bulk_new(n);

    for (guint i = 0; i < n; i++)
        rados_read_op_read(
            store_bulk_ask(
                &all[i], g_strconcat("rbd_id.", heads[i].survey->image, NULL)),
            0, sizeof(heads[i].raw), (char *)heads[i].raw, &heads[i].raw_len,
            &heads[i].raw_r);
    store_bulk_run(io, all, n);
    for (guint i = 0; i < n; i++) {
        heads[i].raw_r = all[i].r < 0 ? all[i].r : heads[i].raw_r;
        heads[i].open = heads[i].raw_r >= 0 &&
                        store_id_parse(heads[i].raw, (int)heads[i].raw_len,
                                       heads[i].id, sizeof(heads[i].id)) >= 0;
    }
    return worst(all, n);
}

/* Only one that the pool's directory does not have either is free: a client that
 * is killed leaves one of the two places without the other. */
static int
read_free(rados_ioctx_t io, Head *heads, guint n)
{
    g_autofree StoreBulk *all = store_bulk_new(n);

    for (guint i = 0; i < n; i++) {
        g_autoptr(GByteArray) name = NULL;

        if (heads[i].raw_r != -ENOENT)
            continue;
        name = store_class_string(heads[i].survey->image);
        store_class_ask(
            store_bulk_ask(&all[i], g_strdup(STORE_CLASS_DIRECTORY)),
            "dir_get_id", name, &heads[i].listed);
    }
    store_bulk_run(io, all, n);
    for (guint i = 0; i < n; i++)
        heads[i].survey->known =
            heads[i].raw_r == -ENOENT && all[i].r == -ENOENT;
    return worst(all, n);
}

/* ---- headers -------------------------------------------------------------------- */

/* "rbd_lock", as the class 'lock' wants to be asked. */
static GByteArray *
lock_argument(void)
{
    GByteArray *out = g_byte_array_new();

    store_coded_put(out, 1, 1); /* the version, and who understands it */
    store_coded_put(out, 1, 1);
    store_coded_put(out, 4 + strlen(LOCK), 4);
    store_coded_put_string(out, LOCK);
    return out;
}

/* A mark or a parent that is not there is no failure of the others. */
static void
ask_head(StoreBulk *one, Head *head)
{
    g_autoptr(GByteArray) image = store_class_number(STORE_CLASS_NO_SNAP);
    g_autoptr(GByteArray) features = store_class_number(STORE_CLASS_NO_SNAP);
    g_autoptr(GByteArray) mark = store_class_string(STORE_MARK_KEY);
    g_autoptr(GByteArray) lock = lock_argument();
    rados_read_op_t op =
        store_bulk_ask(one, g_strconcat("rbd_header.", head->id, NULL));

    store_coded_put(features, true, 1); /* to read only */
    store_class_ask(op, "get_features", features, &head->features);
    store_class_ask(op, "get_size", image, &head->size);
    store_class_ask_other(op, "lock", "get_info", lock, &head->lock);
    store_class_ask(op, "parent_get", NULL, &head->parent);
    store_class_ask(op, "parent_overlap_get", image, &head->overlap);
    store_class_ask(op, "metadata_get", mark, &head->mark);
    rados_read_op_set_flags(op, LIBRADOS_OP_FLAG_FAILOK);
}

/* One that names another image is its parent's. */
static bool
take_mark(const Head *head, StoreSurvey *survey)
{
    StoreCoded from = store_class_read(&head->mark);
    g_autofree char *mark = store_coded_take_string(&from);
    g_autofree char *id = store_word(mark, "id");

    if (head->mark.r == -ENOENT)
        return true;
    survey->marked = !from.bad && strcmp(id, head->id) == 0;
    if (survey->marked)
        survey->owner = store_word(mark, "owner");
    return !from.bad;
}

static bool
take_head(const Head *head)
{
    StoreSurvey *survey = head->survey;
    StoreCoded features = store_class_read(&head->features);
    StoreCoded size = store_class_read(&head->size);
    guint64 has = store_coded_take(&features, 8);

    (void)store_coded_take(&size, 1); /* of its objects */
    survey->size = store_coded_take(&size, 8);
    survey->has_lock = has & RBD_FEATURE_EXCLUSIVE_LOCK;
    return !features.bad && !size.bad && !(has & ~(guint64)STORE_CLASS_PLAIN) &&
           store_survey_read_lock(store_class_read(&head->lock),
                                  &survey->holders, &survey->holder) &&
           take_mark(head, survey);
}

static int
read_heads(rados_ioctx_t io, Head *heads, guint n)
{
    g_autofree StoreBulk *all = store_bulk_new(n);

    for (guint i = 0; i < n; i++)
        if (heads[i].open)
            ask_head(&all[i], &heads[i]);
    store_bulk_run(io, all, n);
    for (guint i = 0; i < n; i++)
        heads[i].open = heads[i].open && all[i].r >= 0 && take_head(&heads[i]);
    return worst(all, n);
}

/* ---- what they say ---------------------------------------------------------------- */

/* Optional: whether there is one is before it. */
bool
store_survey_read_overlap(StoreCoded answer, guint64 *ret)
{
    *ret = store_coded_take(&answer, 1) ? store_coded_take(&answer, 8) : 0;
    return !answer.bad;
}

/* An address, up to the number that is its last. Those of version 1 begin with
 * another byte, and are not read. */
static guint32
take_number(StoreCoded *from)
{
    bool is_read = store_coded_take(from, 1) == 1;
    StoreCoded address = store_coded_enter(from);
    guint32 number;

    (void)store_coded_take(&address, 4); /* its kind */
    number = (guint32)store_coded_take(&address, 4);
    from->bad = from->bad || !is_read || address.bad;
    return number;
}

static guint32
take_holder(StoreCoded *from)
{
    StoreCoded info;
    guint32 number;

    (void)store_coded_enter(from); /* the client's name and its cookie */
    info = store_coded_enter(from);
    (void)store_coded_take(&info, 8); /* when it ends */
    number = take_number(&info);
    from->bad = from->bad || info.bad;
    return number;
}

bool
store_survey_read_lock(StoreCoded answer,
                       guint *ret_holders,
                       guint32 *ret_holder)
{
    StoreCoded from = store_coded_enter(&answer);

    *ret_holders = (guint)store_coded_take(&from, 4);
    *ret_holder = *ret_holders == 1 ? take_holder(&from) : 0;
    return !from.bad;
}

/* ---- parents ----------------------------------------------------------------------- */

static int
read_snap_name(rados_ioctx_t io,
               const StoreClassParent *origin,
               char **ret_name)
{
    g_autofree char *header = g_strconcat("rbd_header.", origin->id, NULL);
    g_autoptr(GByteArray) snap = store_class_number(origin->snap);
    guint8 answer[STORE_CLASS_ANSWER];
    StoreCoded from;
    int r = store_class_call(io, header, "get_snapshot_name", snap, answer,
                             sizeof(answer));

    if (r < 0)
        return r;
    from = (StoreCoded){answer, (gsize)r, false};
    *ret_name = store_coded_take_string(&from);
    return from.bad ? -EINVAL : 0;
}

/* It is opened with the image, and so is its own parent. */
static bool
has_parent(rados_ioctx_t io, const char *id)
{
    g_autofree char *header = g_strconcat("rbd_header.", id, NULL);
    g_autoptr(GByteArray) nothing = g_byte_array_new();
    g_auto(StoreClassParent) parent = {0};
    guint8 answer[STORE_CLASS_ANSWER];
    int r = store_class_call(io, header, "parent_get", nothing, answer,
                             sizeof(answer));

    return r < 0 ||
           !store_class_read_parent((StoreCoded){answer, (gsize)r, false},
                                    &parent) ||
           parent.pool >= 0;
}

/* 'pool/image@snap', g_free() it; NULL: librbd is to be asked, for it is in the
 * trash, in a namespace, or not there, or has a parent itself. */
static char *
name_of(StoreConn *conn, const StoreClassParent *origin)
{
    g_autofree char *key = g_strconcat("id_", origin->id, NULL);
    g_autofree char *snap = NULL;
    g_auto(StoreIo) io = NULL;
    guint8 raw[STORE_ID_RAW];
    char pool[STORE_CLASS_ANSWER];
    char image[STORE_ID_RAW];
    int r = rados_pool_reverse_lookup(conn->rados, origin->pool, pool,
                                      sizeof(pool));

    if (r >= 0 && !*origin->space)
        r = rados_ioctx_create2(conn->rados, origin->pool, &io);
    if (r < 0 || !io)
        return NULL;
    r = store_id_parse(
        raw, store_omap_read(io, STORE_CLASS_DIRECTORY, key, raw, sizeof(raw)),
        image, sizeof(image));
    if (r >= 0)
        r = has_parent(io, origin->id) ? -ENOENT
                                       : read_snap_name(io, origin, &snap);
    return r >= 0 ? g_strconcat(pool, "/", image, "@", snap, NULL) : NULL;
}

/* A hash table of those names, "" for NULL. */
static const char *
find_name(StoreConn *conn, GHashTable *names, const StoreClassParent *origin)
{
    g_autofree char *key =
        g_strdup_printf("%" G_GINT64_FORMAT " %s %s %" G_GUINT64_FORMAT,
                        origin->pool, origin->space, origin->id, origin->snap);
    char *name = g_hash_table_lookup(names, key);

    if (!name) {
        name = name_of(conn, origin);
        name = name ? name : g_strdup("");
        g_hash_table_insert(names, g_steal_pointer(&key), name);
    }
    return name;
}

static bool
read_parent(const Head *head, StoreClassParent *origin, guint64 *ret_overlap)
{
    return store_class_read_parent(store_class_read(&head->parent), origin) &&
           store_survey_read_overlap(store_class_read(&head->overlap),
                                     ret_overlap);
}

/* Without any overlap it has no parent for librbd either. */
static bool
take_parent(StoreConn *conn, GHashTable *names, const Head *head)
{
    StoreSurvey *survey = head->survey;
    g_auto(StoreClassParent) origin = {0};
    bool known = read_parent(head, &origin, &survey->overlap);
    const char *name;

    if (known && (origin.pool < 0 || survey->overlap == 0)) {
        survey->overlap = 0;
    } else if (known) {
        name = find_name(conn, names, &origin);
        known = *name;
        survey->parent = known ? g_strdup(name) : NULL;
    }
    return known;
}

static void
read_parents(StoreConn *conn, Head *heads, guint n)
{
    g_autoptr(GHashTable) names =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    for (guint i = 0; i < n; i++)
        if (heads[i].open && take_parent(conn, names, &heads[i]))
            heads[i].survey->known = heads[i].survey->there = true;
}

/* ---- all of it ---------------------------------------------------------------------- */

int
store_survey(StoreConn *conn, rados_ioctx_t io, StoreSurvey *surveys, guint n)
{
    g_autofree Head *heads = g_new0(Head, n);
    int r;

    for (guint i = 0; i < n; i++)
        heads[i].survey = &surveys[i];
    r = read_ids(io, heads, n);
    if (r >= 0)
        r = read_free(io, heads, n);
    if (r >= 0)
        r = read_heads(io, heads, n);
    if (r >= 0)
        read_parents(conn, heads, n);
    for (guint i = 0; r < 0 && i < n; i++)
        surveys[i].known = false;
    return r;
}
