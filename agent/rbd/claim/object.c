/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/object.c - a claim's object beside the image, in the cluster
 *
 * One operation creates it exclusively with its whole text, so that of two who
 * ask at once exactly one gets it. Every later change compares the text first,
 * in the same operation: a claim that has changed hands cannot be changed,
 * dropped or taken again by whoever had it.
 *
 * Operations carry FULL_TRY: on a full pool they fail and say so, where they
 * would otherwise wait for space without a word.
 *
 * Version 0.1 looks for a holder and a beat in attributes of other names. It
 * finds none in a claim of this version, and refuses what it cannot read.
 */
#include "config.h"

#include "agent/rbd/claim/object.h"

#include "agent/rbd/conn/bulk.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/names.h"

#include <errno.h>
#include <string.h>

#define CLAIM_ATTR "remora.claim"
#define ALIVE_ATTR "remora.alive"
/* Of version 0.1. */
#define OLD_HOLDER_ATTR "remora.holder"
#define OLD_BEAT_ATTR   "remora.beat"
#define OLD_ADOPT_ATTR  "remora.adopted"

/* Takes op over. */
static int
operate(StoreConn *conn,
        const char *pool,
        const char *image,
        rados_write_op_t op)
{
    g_autofree char *object = store_claim_object(image);
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
expect(rados_write_op_t op, const char *name, const char *value)
{
    rados_write_op_cmpxattr(op, name, LIBRADOS_CMPXATTR_OP_EQ, value,
                            strlen(value));
}

int
store_claim_create(StoreConn *conn,
                   const char *pool,
                   const char *image,
                   const char *text)
{
    rados_write_op_t op = rados_create_write_op();

    rados_write_op_create(op, LIBRADOS_CREATE_EXCLUSIVE, NULL);
    set_attr(op, CLAIM_ATTR, text);
    set_attr(op, ALIVE_ATTR, "0");
    return operate(conn, pool, image, op);
}

/* What was seen, to the letter. */
static void
expect_seen(rados_write_op_t op, const StoreClaimSeen *seen)
{
    bool old = seen->record->phase == STORE_PHASE_OLD;

    expect(op, old ? OLD_HOLDER_ATTR : CLAIM_ATTR, seen->text);
    if (seen->beat && seen->beat[0])
        expect(op, old ? OLD_BEAT_ATTR : ALIVE_ATTR, seen->beat);
}

int
store_claim_swap(StoreConn *conn,
                 const char *pool,
                 const char *image,
                 const StoreClaimSeen *seen,
                 const char *text)
{
    rados_write_op_t op = rados_create_write_op();

    expect_seen(op, seen);
    if (seen->record->phase == STORE_PHASE_OLD) {
        rados_write_op_rmxattr(op, OLD_HOLDER_ATTR);
        rados_write_op_rmxattr(op, OLD_BEAT_ATTR);
    }
    set_attr(op, CLAIM_ATTR, text);
    set_attr(op, ALIVE_ATTR, "0");
    return operate(conn, pool, image, op);
}

int
store_claim_change(StoreConn *conn,
                   const char *pool,
                   const char *image,
                   const char *before,
                   const char *text)
{
    rados_write_op_t op = rados_create_write_op();

    expect(op, CLAIM_ATTR, before);
    set_attr(op, CLAIM_ATTR, text);
    return operate(conn, pool, image, op);
}

int
store_claim_remove(StoreConn *conn,
                   const char *pool,
                   const char *image,
                   const StoreClaimSeen *seen)
{
    rados_write_op_t op = rados_create_write_op();

    expect_seen(op, seen);
    rados_write_op_remove(op);
    return operate(conn, pool, image, op);
}

int
store_claim_remove_own(StoreConn *conn,
                       const char *pool,
                       const char *image,
                       const char *text)
{
    rados_write_op_t op = rados_create_write_op();

    expect(op, CLAIM_ATTR, text);
    rados_write_op_remove(op);
    return operate(conn, pool, image, op);
}

int
store_claim_touch_begin(StoreConn *conn,
                        const char *pool,
                        const char *image,
                        const char *text,
                        guint64 beat,
                        rados_completion_t *ret_touch)
{
    g_autofree char *object = store_claim_object(image);
    g_autofree char *number = g_strdup_printf("%" G_GUINT64_FORMAT, beat);
    rados_write_op_t op = rados_create_write_op();
    rados_completion_t touch = NULL;
    g_auto(StoreIo) io = NULL;
    int r = rados_ioctx_create(conn->rados, pool, &io);

    expect(op, CLAIM_ATTR, text);
    set_attr(op, ALIVE_ATTR, number);
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

void
store_claim_seen_clear(StoreClaimSeen *seen)
{
    g_clear_pointer(&seen->text, g_free);
    g_clear_pointer(&seen->beat, g_free);
    g_clear_pointer(&seen->record, store_record_free);
}

bool
store_claim_seen_none(const StoreClaimSeen *seen)
{
    return seen->record == NULL;
}

/* The attributes of both versions, as they stand. */
typedef struct {
    char *claim;
    char *alive;
    char *holder;
    char *beat;
    char *adopted;
} Attrs;

static void
attrs_clear(Attrs *attrs)
{
    g_free(attrs->claim);
    g_free(attrs->alive);
    g_free(attrs->holder);
    g_free(attrs->beat);
    g_free(attrs->adopted);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Attrs, attrs_clear)

static void
take_attrs(rados_xattrs_iter_t iter, Attrs *attrs)
{
    const struct {
        const char *name;
        char **field;
    } known[] = {
        {CLAIM_ATTR, &attrs->claim},       {ALIVE_ATTR, &attrs->alive},
        {OLD_HOLDER_ATTR, &attrs->holder}, {OLD_BEAT_ATTR, &attrs->beat},
        {OLD_ADOPT_ATTR, &attrs->adopted},
    };
    const char *name;
    const char *value;
    size_t len;

    while (rados_getxattrs_next(iter, &name, &value, &len) == 0 && name)
        for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
            if (strcmp(name, known[i].name) == 0 && len <= STORE_CLAIM_MAX) {
                g_free(*known[i].field);
                *known[i].field = g_strndup(value, len);
            }
}

static int
understand(Attrs *attrs, StoreClaimSeen *ret_seen)
{
    g_auto(StoreClaimSeen) seen = {0};

    if (attrs->claim) {
        seen.record = store_record_parse(attrs->claim);
        seen.text = g_steal_pointer(&attrs->claim);
        seen.beat = g_steal_pointer(&attrs->alive);
    } else if (attrs->holder && attrs->beat) {
        seen.record = store_record_parse_old(attrs->holder);
        seen.record->adopted = g_steal_pointer(&attrs->adopted);
        seen.text = g_steal_pointer(&attrs->holder);
        seen.beat = g_steal_pointer(&attrs->beat);
    }
    if (!seen.record)
        return -EINVAL;
    *ret_seen = seen;
    seen = (StoreClaimSeen){0};
    return 0;
}

int
store_claim_read(StoreConn *conn,
                 const char *pool,
                 const char *image,
                 StoreClaimSeen *ret_seen)
{
    g_autofree char *object = store_claim_object(image);
    g_auto(StoreIo) io = NULL;
    g_auto(Attrs) attrs = {0};
    rados_xattrs_iter_t iter = NULL;
    int r = rados_ioctx_create(conn->rados, pool, &io);

    if (r < 0)
        return r;
    /* One read of all attributes: text and beat are of one moment. */
    r = rados_getxattrs(io, object, &iter);
    if (r < 0)
        return r;
    take_attrs(iter, &attrs);
    rados_getxattrs_end(iter);
    return understand(&attrs, ret_seen);
}

void
store_claims_read(rados_ioctx_t io,
                  const char *const *images,
                  guint n,
                  StoreClaimSeen *ret_seen,
                  int *ret_r)
{
    g_autofree StoreBulk *all = store_bulk_new(n);
    g_autofree rados_xattrs_iter_t *iters = g_new0(rados_xattrs_iter_t, n);

    for (guint i = 0; i < n; i++)
        rados_read_op_getxattrs(
            store_bulk_ask(&all[i], store_claim_object(images[i])), &iters[i],
            &ret_r[i]);
    store_bulk_run(io, all, n);
    for (guint i = 0; i < n; i++) {
        g_auto(Attrs) attrs = {0};

        ret_r[i] = all[i].r < 0 ? all[i].r : ret_r[i];
        if (ret_r[i] >= 0) {
            take_attrs(iters[i], &attrs);
            ret_r[i] = understand(&attrs, &ret_seen[i]);
        }
        if (iters[i])
            rados_getxattrs_end(iters[i]);
    }
}
