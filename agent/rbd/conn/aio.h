/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/aio.h - an operation that is under way while others are
 *
 * What is asked of one object comes to it in the order in which it was asked, so
 * that an operation need not wait for the one before it to be answered.
 *
 * Threads:  one of them is one thread's. store_aio_end() blocks; to begin one blocks
 *           only while very many are under way.
 */
#ifndef REMORA_AGENT_RBD_CONN_AIO_H
#define REMORA_AGENT_RBD_CONN_AIO_H

#include <rados/librados.h>

typedef struct {
    rados_completion_t completion; /* NULL: nothing is asked */
    rados_read_op_t op;
    int r; /* librados' number */
} StoreAio;

/* Begins it, and takes op over. What a read writes to must stay until
 * store_aio_end(). */
void store_aio_read(StoreAio *aio,
                    rados_ioctx_t io,
                    const char *object,
                    rados_read_op_t op);
void store_aio_write(StoreAio *aio,
                     rados_ioctx_t io,
                     const char *object,
                     rados_write_op_t op);
/* Waits until it has ended; returns its r, which is 0 if nothing was asked. May be
 * called again. */
int store_aio_end(StoreAio *aio);

#endif
