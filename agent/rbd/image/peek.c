/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/peek.c - what image does a name lead to? asked meanwhile
 *
 * It is asked while the claim is. A disk that is to be made is not there in
 * nearly all cases, and a look at nothing would cost a start two round trips
 * more; one that is there is opened faster by its id. An answer from before
 * the claim may be out of date, so nothing is decided by it: a clone fails if
 * the name is taken by then, and an id is compared once more.
 */
#include "config.h"

#include "agent/rbd/image/peek.h"

#include "agent/rbd/conn/aio.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/names.h"

#include <errno.h>

struct StorePeek {
    rados_ioctx_t io;
    StoreAio aio;
    guint8 raw[STORE_ID_RAW];
    size_t len;
    int r;
};

StorePeek *
store_peek_begin(StoreConn *conn, const char *pool, const char *image)
{
    g_autofree char *object = g_strconcat("rbd_id.", image, NULL);
    StorePeek *peek = g_new0(StorePeek, 1);
    rados_read_op_t op;

    if (rados_ioctx_create(conn->rados, pool, &peek->io) < 0) {
        store_peek_end(peek);
        return NULL;
    }
    op = rados_create_read_op();
    rados_read_op_read(op, 0, sizeof(peek->raw), (char *)peek->raw, &peek->len,
                       &peek->r);
    store_aio_read(&peek->aio, peek->io, object, op);
    return peek;
}

bool
store_peek_finds_nothing(StorePeek *peek)
{
    return peek && store_aio_end(&peek->aio) == -ENOENT;
}

bool
store_peek_id(StorePeek *peek, char *id, gsize size)
{
    return peek && store_aio_end(&peek->aio) >= 0 &&
           store_id_parse(peek->raw, (int)peek->len, id, size) >= 0;
}

/* librados writes to it until it is complete. */
void
store_peek_end(StorePeek *peek)
{
    if (!peek)
        return;
    (void)store_aio_end(&peek->aio);
    store_ioctx_clear(&peek->io);
    g_free(peek);
}
