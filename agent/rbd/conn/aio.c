/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/aio.c - an operation that is under way while others are
 */
#include "config.h"

#include "agent/rbd/conn/aio.h"

#include <glib.h>

void
store_aio_read(StoreAio *aio,
               rados_ioctx_t io,
               const char *object,
               rados_read_op_t op)
{
    aio->op = op;
    aio->r = rados_aio_create_completion2(NULL, NULL, &aio->completion);
    if (aio->r >= 0)
        aio->r = rados_aio_read_op_operate(op, io, aio->completion, object, 0);
}

void
store_aio_write(StoreAio *aio,
                rados_ioctx_t io,
                const char *object,
                rados_write_op_t op)
{
    aio->r = rados_aio_create_completion2(NULL, NULL, &aio->completion);
    if (aio->r >= 0)
        aio->r = rados_aio_write_op_operate(op, io, aio->completion, object,
                                            NULL, LIBRADOS_OPERATION_NOFLAG);
    rados_release_write_op(op);
}

/* librados writes to its answers until it is complete. */
int
store_aio_end(StoreAio *aio)
{
    if (aio->completion && aio->r >= 0) {
        (void)rados_aio_wait_for_complete(aio->completion);
        aio->r = rados_aio_get_return_value(aio->completion);
    }
    g_clear_pointer(&aio->completion, rados_aio_release);
    g_clear_pointer(&aio->op, rados_release_read_op);
    return aio->r;
}
