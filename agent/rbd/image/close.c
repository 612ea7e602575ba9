/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/close.c - images that were only looked at, closed later
 *
 * librbd takes half a millisecond to take down what an open image is made of,
 * and a start need not wait for that: an image that was opened read-only has no
 * watch and no lock, so nobody else can tell whether it is closed. Never for
 * one that was opened for writing.
 */
#include "config.h"

#include "agent/rbd/image/close.h"

#include "agent/rbd/conn/connection.h"

static void
on_closed(rbd_completion_t completion, void *opaque)
{
    rbd_aio_release(completion);
    store_conn_count(opaque, -1);
}

void
store_close_later(StoreConn *conn, rbd_image_t image)
{
    rbd_completion_t completion = NULL;

    if (!image)
        return;
    store_conn_count(conn, 1);
    if (rbd_aio_create_completion(conn, on_closed, &completion) >= 0 &&
        rbd_aio_close(image, completion) >= 0)
        return;
    if (completion)
        rbd_aio_release(completion);
    (void)rbd_close(image);
    store_conn_count(conn, -1);
}
