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
    if (one->op)
        store_aio_read(&one->aio, io, one->object, g_steal_pointer(&one->op));
}

static void
end(StoreBulk *one)
{
    one->r = store_aio_end(&one->aio);
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
