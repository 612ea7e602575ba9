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

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/names.h"

#include <errno.h>

struct StorePeek {
    rados_ioctx_t io;
    rados_completion_t completion;
    guint8 raw[STORE_ID_RAW];
};

StorePeek *
store_peek_begin(StoreConn *conn, const char *pool, const char *image)
{
    g_autofree char *object = g_strconcat("rbd_id.", image, NULL);
    StorePeek *peek = g_new0(StorePeek, 1);

    if (rados_ioctx_create(conn->rados, pool, &peek->io) >= 0 &&
        rados_aio_create_completion2(NULL, NULL, &peek->completion) >= 0 &&
        rados_aio_read(peek->io, object, peek->completion, (char *)peek->raw,
                       sizeof(peek->raw), 0) >= 0)
        return peek;
    g_clear_pointer(&peek->completion, rados_aio_release);
    store_peek_end(peek);
    return NULL;
}

bool
store_peek_finds_nothing(StorePeek *peek)
{
    if (!peek)
        return false;
    (void)rados_aio_wait_for_complete(peek->completion);
    return rados_aio_get_return_value(peek->completion) == -ENOENT;
}

bool
store_peek_id(StorePeek *peek, char *id, gsize size)
{
    if (!peek)
        return false;
    (void)rados_aio_wait_for_complete(peek->completion);
    return store_id_parse(peek->raw,
                          rados_aio_get_return_value(peek->completion), id,
                          size) >= 0;
}

/* librados writes to it until it is complete. */
void
store_peek_end(StorePeek *peek)
{
    if (!peek)
        return;
    if (peek->completion) {
        (void)rados_aio_wait_for_complete(peek->completion);
        rados_aio_release(peek->completion);
    }
    store_ioctx_clear(&peek->io);
    g_free(peek);
}
