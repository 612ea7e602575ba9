/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/close.c - images are closed, at once or later
 *
 * When librbd (16.2.15) has said that an image is open, or read anew, the thread
 * that said it locks that image once more. Of librados' two threads the other one
 * may have woken who opened it; who then closes it has it freed, and the first
 * thread, if it has to wait for a processor just then, meets what is there by now:
 * an abort (std::system_error, 'Invalid argument'), or worse. So before anything
 * is closed that thread has to be out of it, which shows in that it sleeps. Where
 * there is one thread only, who is told has to wait for it anyway.
 *
 * librbd takes half a millisecond to take down what an open image is made of,
 * and a start need not wait for that: an image that was opened read-only has no
 * watch and no lock, so nobody else can tell whether it is closed. Never for
 * one that was opened for writing.
 */
#include "config.h"

#include "agent/rbd/image/close.h"

#include "agent/rbd/conn/asleep.h"
#include "agent/rbd/conn/connection.h"

/* For threads that have work of their own, and so never rest. */
#define REST_LIMIT_MS 1000u

static void
await_rest(void)
{
    if (store_conn_has_two_threads())
        (void)store_asleep_wait(REST_LIMIT_MS);
}

int
store_close(rbd_image_t image)
{
    await_rest();
    return rbd_close(image);
}

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
    await_rest();
    store_conn_count(conn, 1);
    if (rbd_aio_create_completion(conn, on_closed, &completion) >= 0 &&
        rbd_aio_close(image, completion) >= 0)
        return;
    if (completion)
        rbd_aio_release(completion);
    (void)rbd_close(image);
    store_conn_count(conn, -1);
}
