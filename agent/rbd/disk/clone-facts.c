/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/clone-facts.c - what is asked before a clone is made the short way
 */
#include "config.h"

#include "agent/rbd/disk/clone-facts.h"

#include "agent/rbd/conn/aio.h"
#include "agent/rbd/conn/names.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/class.h"

#include <errno.h>
#include <string.h>

#define POOL_INFO "rbd_info"
/* What librbd writes to that when it has made sure that a pool can hold images. */
#define POOL_IS_VALID "overwrite validated"
/* A pool's settings that decide how an image is made there. */
#define POOL_CONF     "conf_"
#define POOL_DEFAULTS "conf_rbd_default_"

typedef struct {
    char bytes[sizeof(POOL_IS_VALID)];
    size_t len;
    int r;
} PoolInfo;

/* Asked all at once. */
typedef struct {
    StoreAio pool;
    PoolInfo info;
    StoreClassLong conf;
    StoreAio data_pool;
    PoolInfo data_info;
    StoreAio first_format; /* where the name of an image of that is */
    StoreAio id_taken;
    StoreAio parent_id;
    guint8 raw_id[STORE_ID_RAW];
    size_t raw_len;
    int raw_r;
    StoreAio parent_header;
    StoreClassAnswer features;
    StoreClassAnswer ops;
    StoreClassAnswer snap;
    StoreClassLong metadata;
} Facts;

static void
ask_metadata(rados_read_op_t op, const char *behind, StoreClassLong *answer)
{
    g_autoptr(GByteArray) argument = store_clone_arg_list(behind);

    store_class_ask_long(op, "metadata_list", argument, answer);
}

static void
ask_pool(StoreAio *aio, rados_ioctx_t io, PoolInfo *info, StoreClassLong *conf)
{
    rados_read_op_t op = rados_create_read_op();

    rados_read_op_read(op, 0, sizeof(info->bytes), info->bytes, &info->len,
                       &info->r);
    if (conf)
        ask_metadata(op, POOL_CONF, conf);
    store_aio_read(aio, io, POOL_INFO, op);
}

static void
ask_whether(StoreAio *aio, rados_ioctx_t io, const char *object)
{
    rados_read_op_t op = rados_create_read_op();

    rados_read_op_assert_exists(op);
    store_aio_read(aio, io, object, op);
}

static void
ask_names(const StoreClone *clone, Facts *facts)
{
    g_autofree char *old = g_strconcat(clone->disk->image, ".rbd", NULL);
    g_autofree char *id = g_strconcat("rbd_id.", clone->parent_name, NULL);
    rados_read_op_t op = rados_create_read_op();

    ask_whether(&facts->first_format, clone->io, old);
    ask_whether(&facts->id_taken, clone->io, clone->header);
    rados_read_op_read(op, 0, sizeof(facts->raw_id), (char *)facts->raw_id,
                       &facts->raw_len, &facts->raw_r);
    store_aio_read(&facts->parent_id, clone->from, id, op);
}

static void
ask_parent(const StoreClone *clone, Facts *facts)
{
    g_autofree char *header =
        g_strconcat("rbd_header.", clone->parent->id, NULL);
    g_autoptr(GByteArray) features = store_class_features();
    g_autoptr(GByteArray) snap = store_class_number(clone->parent->snap_id);
    rados_read_op_t op = rados_create_read_op();

    store_class_ask(op, "get_features", features, &facts->features);
    store_class_ask(op, "op_features_get", NULL, &facts->ops);
    store_class_ask(op, "get_snapshot_name", snap, &facts->snap);
    ask_metadata(op, "", &facts->metadata);
    store_aio_read(&facts->parent_header, clone->from, header, op);
}

static int
ask(const StoreClone *clone, Facts *facts)
{
    const char *pool = store_settings(clone->conn->cluster)->clone_data_pool;
    g_auto(StoreIo) data = NULL;
    int r = clone->data_pool < 0
                ? 0
                : rados_ioctx_create(clone->conn->rados, pool, &data);

    if (r < 0)
        return r;
    ask_pool(&facts->pool, clone->io, &facts->info, &facts->conf);
    if (data)
        ask_pool(&facts->data_pool, data, &facts->data_info, NULL);
    ask_names(clone, facts);
    ask_parent(clone, facts);
    (void)store_aio_end(&facts->pool);
    (void)store_aio_end(&facts->data_pool);
    (void)store_aio_end(&facts->first_format);
    (void)store_aio_end(&facts->id_taken);
    (void)store_aio_end(&facts->parent_id);
    (void)store_aio_end(&facts->parent_header);
    return 0;
}

static bool
is_valid(const StoreAio *aio, const PoolInfo *info)
{
    static const char valid[] = POOL_IS_VALID;

    return aio->r >= 0 && info->len == strlen(valid) &&
           memcmp(info->bytes, valid, info->len) == 0;
}

/* Whether the pool has settings of its own for new images. */
static bool
has_defaults(const StoreClassLong *conf)
{
    guint keys;
    bool found;

    return !store_clone_read_list(store_class_read_long(conf), POOL_DEFAULTS,
                                  &keys, &found) ||
           found || keys >= STORE_CLONE_KEYS;
}

/* As far as it is known. */
static bool
is_other_parent(const StoreClone *clone, const Facts *facts)
{
    char id[sizeof(clone->parent->id)] = "";
    StoreCoded answer = store_class_read(&facts->snap);
    g_autofree char *snap = store_coded_take_string(&answer);

    if (facts->parent_id.r == -ENOENT || facts->parent_header.r == -ENOENT)
        return true;
    return (facts->parent_id.r >= 0 &&
            (store_id_parse(facts->raw_id, (int)facts->raw_len, id,
                            sizeof(id)) < 0 ||
             strcmp(id, clone->parent->id) != 0)) ||
           (!answer.bad && strcmp(snap, clone->disk->parent.snap) != 0);
}

/* FALSE: not all of it was told. */
static bool
inherit(StoreClone *clone, const StoreClassLong *metadata)
{
    const StoreCoded list = store_class_read_long(metadata);
    guint keys;
    bool found;

    /* Of librbd's own, it knows which a clone gets. */
    if (!store_clone_read_list(list, ".rbd", &keys, &found) || found ||
        keys >= STORE_CLONE_KEYS)
        return false;
    if (keys > 0) {
        clone->inherited = g_byte_array_new();
        g_byte_array_append(clone->inherited, list.at, (guint)list.left);
    }
    return true;
}

static bool
plan(StoreClone *clone, const Facts *facts, guint64 size)
{
    const StoreSettings *own = store_settings(clone->conn->cluster);
    StoreCloneFacts known = {
        .features = own->clone_features,
        .object_size = MAX(own->clone_object_size, clone->parent->object_size),
        .size = size,
        .elsewhere = clone->data_pool >= 0,
    };

    return is_valid(&facts->pool, &facts->info) &&
           (clone->data_pool < 0 ||
            is_valid(&facts->data_pool, &facts->data_info)) &&
           facts->first_format.r == -ENOENT && facts->id_taken.r == -ENOENT &&
           facts->parent_id.r >= 0 && facts->snap.r >= 0 &&
           !has_defaults(&facts->conf) &&
           store_clone_read_number(store_class_read(&facts->features),
                                   &known.parent_features) &&
           store_clone_read_number(store_class_read(&facts->ops),
                                   &known.parent_ops) &&
           inherit(clone, &facts->metadata) &&
           store_clone_plan(&known, &clone->plan);
}

/* What was not answered, or will not be, says nothing of pool or parent. */
static int
first_unanswered(const Facts *facts)
{
    const int all[] = {facts->pool.r,         facts->data_pool.r,
                       facts->first_format.r, facts->id_taken.r,
                       facts->parent_id.r,    facts->parent_header.r};

    for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
        if (all[i] == -ETIMEDOUT || all[i] == -ESHUTDOWN)
            return all[i];
    return 0;
}

/* ---- the pool for data ------------------------------------------------------------- */

/* Whether Ceph's configuration names a data pool, where remora's does not. */
static bool
has_other_pool(StoreConn *conn)
{
    static const char key[] = "rbd_default_data_pool";
    char value[256] = "";

    return !store_settings(conn->cluster)->clone_data_pool &&
           (rados_conf_get(conn->rados, key, value, sizeof(value)) < 0 ||
            *value);
}

/* FALSE: there is none. */
static bool
find_data_pool(StoreClone *clone)
{
    const char *pool = store_settings(clone->conn->cluster)->clone_data_pool;

    clone->data_pool = -1;
    if (!pool || strcmp(pool, clone->disk->pool) == 0)
        return true;
    clone->data_pool = rados_pool_lookup(clone->conn->rados, pool);
    return clone->data_pool >= 0;
}

/* ---- all of it ----------------------------------------------------------------------- */

int
store_clone_prepare(StoreClone *clone, guint64 size, StoreCloneEnd *ret_end)
{
    g_autofree Facts *facts = g_new0(Facts, 1);
    int r;

    *ret_end = STORE_CLONE_NEEDS_LIBRBD;
    if (!find_data_pool(clone) || has_other_pool(clone->conn))
        return 0;
    r = ask(clone, facts);
    if (r >= 0)
        r = first_unanswered(facts);
    if (r < 0)
        return r;
    if (is_other_parent(clone, facts))
        *ret_end = STORE_CLONE_OTHER_PARENT;
    else if (plan(clone, facts, size))
        *ret_end = STORE_CLONE_DONE;
    return 0;
}
