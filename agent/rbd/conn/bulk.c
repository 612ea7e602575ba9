/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/bulk.c - many reads of a pool's objects, many at a time
 */
#include "config.h"

#include "agent/rbd/conn/bulk.h"

StoreBulk *
store_bulk_new(guint n)
{
    return g_new0(StoreBulk, n);
}

rados_read_op_t
store_bulk_ask(StoreBulk *one, char *object)
{
    one->object = object;
    one->op = rados_create_read_op();
    return one->op;
}

static void
begin(rados_ioctx_t io, StoreBulk *one)
{
    if (!one->op)
        return;
    one->r = rados_aio_create_completion2(NULL, NULL, &one->completion);
    if (one->r >= 0)
        one->r = rados_aio_read_op_operate(one->op, io, one->completion,
                                           one->object, 0);
}

/* librados writes to its answers until it is complete. */
static void
end(StoreBulk *one)
{
    if (one->completion && one->r >= 0) {
        (void)rados_aio_wait_for_complete(one->completion);
        one->r = rados_aio_get_return_value(one->completion);
    }
    g_clear_pointer(&one->completion, rados_aio_release);
    g_clear_pointer(&one->op, rados_release_read_op);
    g_clear_pointer(&one->object, g_free);
}

void
store_bulk_run(rados_ioctx_t io, StoreBulk *all, guint n)
{
    for (guint i = 0; i < n; i++) {
        if (i >= STORE_BULK_WINDOW)
            end(&all[i - STORE_BULK_WINDOW]);
        begin(io, &all[i]);
    }
    for (guint i = n - MIN(n, STORE_BULK_WINDOW); i < n; i++)
        end(&all[i]);
}
