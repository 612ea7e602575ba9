/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store-claim.c - an exclusive right to one image, in the cluster
 *
 * A claim is an object beside the image. One operation creates it exclusively
 * with its holder, so that of two who ask at once exactly one gets it. Every
 * later change compares the holder first, in the same operation: a claim that
 * was taken over cannot be touched, dropped or taken again by its old holder.
 *
 * Operations carry FULL_TRY: on a full pool they fail and say so, where they
 * would otherwise wait for space without a word.
 */
#include "config.h"

#include "agent/rbd/store-internal.h"

#include <errno.h>
#include <string.h>

#define HOLDER_ATTR "remora.holder"
#define BEAT_ATTR   "remora.beat"
#define ADOPT_ATTR  "remora.adopted"
#define HOLDER_MAX  1024u
#define OWED_MAX    8

char *
store_claim_object(const char *image)
{
    return g_strconcat("remora_claim.", image, NULL);
}

static char *
holder_new(const StoreConn *conn, const char *owner)
{
    /* No two are the same: a late removal must not meet the next one. */
    return g_strdup_printf("instance=%s host=%s addr=%s owner=%s since=%" //
                           G_GINT64_FORMAT " number=%08x%08x",
                           conn->instance, g_get_host_name(), conn->addr, owner,
                           g_get_real_time() / G_USEC_PER_SEC, g_random_int(),
                           g_random_int());
}

/* Those who may come back; the newest first, as many as a holder has room for. */
static char *
owed_by(const StoreConn *conn, const StoreClaimSeen *seen, bool silent)
{
    g_auto(GStrv) builders = store_holder_builders(seen->holder);
    g_autoptr(GPtrArray) owed = g_ptr_array_new();

    for (guint i = silent ? 0 : 1; builders[i] && owed->len < OWED_MAX; i++)
        if (strcmp(builders[i], conn->addr) != 0)
            g_ptr_array_add(owed, builders[i]);
    g_ptr_array_add(owed, NULL);
    return g_strjoinv(",", (char **)owed->pdata);
}

char **
store_holder_builders(const char *holder)
{
    g_autofree char *addr = store_holder_field(holder, "addr");
    g_autofree char *after = store_holder_field(holder, "after");
    g_autofree char *all = g_strjoin(after[0] ? "," : "", addr, after, NULL);

    return g_strsplit(all, ",", OWED_MAX + 1);
}

char *
store_holder_field(const char *holder, const char *key)
{
    g_auto(GStrv) words = g_strsplit(holder, " ", 16);
    gsize len = strlen(key);

    for (gsize i = 0; words[i]; i++)
        if (strncmp(words[i], key, len) == 0 && words[i][len] == '=')
            return g_strdup(words[i] + len + 1);
    return g_strdup("");
}

static int
operate(StoreConn *conn,
        const char *pool,
        const char *object,
        rados_write_op_t op)
{
    g_auto(StoreIo) io = NULL;
    int r = rados_ioctx_create(conn->rados, pool, &io);

    if (r >= 0)
        r = rados_write_op_operate2(op, io, object, NULL,
                                    LIBRADOS_OPERATION_FULL_TRY);
    rados_release_write_op(op);
    return r;
}

static void
set_attr(rados_write_op_t op, const char *name, const char *value)
{
    rados_write_op_setxattr(op, name, value, strlen(value));
}

static void
expect_holder(rados_write_op_t op, const char *holder)
{
    rados_write_op_cmpxattr(op, HOLDER_ATTR, LIBRADOS_CMPXATTR_OP_EQ, holder,
                            strlen(holder));
}

int
store_claim_create(StoreConn *conn,
                   const char *pool,
                   const char *image,
                   const char *owner,
                   char **ret_holder)
{
    g_autofree char *object = store_claim_object(image);
    g_autofree char *holder = holder_new(conn, owner);
    rados_write_op_t op = rados_create_write_op();
    int r;

    rados_write_op_create(op, LIBRADOS_CREATE_EXCLUSIVE, NULL);
    set_attr(op, HOLDER_ATTR, holder);
    set_attr(op, BEAT_ATTR, "0");
    r = operate(conn, pool, object, op);
    if (r >= 0)
        *ret_holder = g_steal_pointer(&holder);
    return r;
}

int
store_claim_take_over(StoreConn *conn,
                      const char *pool,
                      const char *image,
                      const char *owner,
                      const StoreClaimSeen *seen,
                      bool silent,
                      char **ret_holder)
{
    g_autofree char *object = store_claim_object(image);
    g_autofree char *fresh = holder_new(conn, owner);
    g_autofree char *owed = owed_by(conn, seen, silent);
    g_autofree char *holder =
        g_strconcat(fresh, owed[0] ? " after=" : "", owed, NULL);
    rados_write_op_t op = rados_create_write_op();
    int r;

    expect_holder(op, seen->holder);
    rados_write_op_cmpxattr(op, BEAT_ATTR, LIBRADOS_CMPXATTR_OP_EQ, seen->beat,
                            strlen(seen->beat));
    set_attr(op, HOLDER_ATTR, holder);
    set_attr(op, BEAT_ATTR, "0");
    r = operate(conn, pool, object, op);
    if (r >= 0)
        *ret_holder = g_steal_pointer(&holder);
    return r;
}

static rados_write_op_t
touch_op(const char *holder, guint64 beat)
{
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, beat);
    rados_write_op_t op = rados_create_write_op();

    expect_holder(op, holder);
    set_attr(op, BEAT_ATTR, text);
    return op;
}

int
store_claim_touch(StoreConn *conn,
                  const char *pool,
                  const char *image,
                  const char *holder,
                  guint64 beat)
{
    g_autofree char *object = store_claim_object(image);

    return operate(conn, pool, object, touch_op(holder, beat));
}

int
store_claim_touch_begin(StoreConn *conn,
                        const char *pool,
                        const char *image,
                        const char *holder,
                        guint64 beat,
                        rados_completion_t *ret_touch)
{
    g_autofree char *object = store_claim_object(image);
    rados_write_op_t op = touch_op(holder, beat);
    rados_completion_t touch = NULL;
    g_auto(StoreIo) io = NULL;
    int r = rados_ioctx_create(conn->rados, pool, &io);

    if (r >= 0)
        r = rados_aio_create_completion2(NULL, NULL, &touch);
    if (r >= 0)
        r = rados_aio_write_op_operate(op, io, touch, object, NULL,
                                       LIBRADOS_OPERATION_FULL_TRY);
    rados_release_write_op(op);
    if (r >= 0)
        *ret_touch = touch;
    else if (touch)
        rados_aio_release(touch);
    return r;
}

int
store_claim_adopt(StoreConn *conn,
                  const char *pool,
                  const char *image,
                  const char *holder,
                  const char *id)
{
    g_autofree char *object = store_claim_object(image);
    rados_write_op_t op = rados_create_write_op();

    expect_holder(op, holder);
    set_attr(op, ADOPT_ATTR, id);
    return operate(conn, pool, object, op);
}

int
store_claim_remove(StoreConn *conn,
                   const char *pool,
                   const char *image,
                   const char *holder)
{
    g_autofree char *object = store_claim_object(image);
    rados_write_op_t op = rados_create_write_op();

    expect_holder(op, holder);
    rados_write_op_remove(op);
    return operate(conn, pool, object, op);
}

void
store_claim_seen_clear(StoreClaimSeen *seen)
{
    g_clear_pointer(&seen->holder, g_free);
    g_clear_pointer(&seen->beat, g_free);
    g_clear_pointer(&seen->adopted, g_free);
}

static void
take_attrs(rados_xattrs_iter_t iter, StoreClaimSeen *seen)
{
    const char *name;
    const char *value;
    size_t len;

    while (rados_getxattrs_next(iter, &name, &value, &len) == 0 && name) {
        char **field = strcmp(name, HOLDER_ATTR) == 0  ? &seen->holder
                       : strcmp(name, BEAT_ATTR) == 0  ? &seen->beat
                       : strcmp(name, ADOPT_ATTR) == 0 ? &seen->adopted
                                                       : NULL;
        if (!field || len > HOLDER_MAX)
            continue;
        g_free(*field);
        *field = g_strndup(value, len);
    }
}

int
store_claim_read(StoreConn *conn,
                 const char *pool,
                 const char *image,
                 StoreClaimSeen *ret_seen)
{
    g_autofree char *object = store_claim_object(image);
    g_auto(StoreIo) io = NULL;
    rados_xattrs_iter_t iter = NULL;
    int r = rados_ioctx_create(conn->rados, pool, &io);

    if (r < 0)
        return r;
    /* One read of all attributes: holder and beat are of one moment. */
    r = rados_getxattrs(io, object, &iter);
    if (r < 0)
        return r;
    take_attrs(iter, ret_seen);
    rados_getxattrs_end(iter);
    return ret_seen->holder && ret_seen->beat ? 0 : -EINVAL;
}
