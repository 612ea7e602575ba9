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

#include "agent/rbd/store-internal.h"

/* Whoever waits for the last one frees conn, so this is the last touch. */
static void
count(StoreConn *conn, int change)
{
    g_mutex_lock(&conn->closing_lock);
    conn->closing += change;
    g_cond_signal(&conn->closed_one);
    g_mutex_unlock(&conn->closing_lock);
}

static void
on_closed(rbd_completion_t completion, void *opaque)
{
    rbd_aio_release(completion);
    count(opaque, -1);
}

void
store_close_later(StoreConn *conn, rbd_image_t image)
{
    rbd_completion_t completion = NULL;

    if (!image)
        return;
    count(conn, 1);
    if (rbd_aio_create_completion(conn, on_closed, &completion) >= 0 &&
        rbd_aio_close(image, completion) >= 0)
        return;
    if (completion)
        rbd_aio_release(completion);
    (void)rbd_close(image);
    count(conn, -1);
}

void
store_close_wait(StoreConn *conn)
{
    g_mutex_lock(&conn->closing_lock);
    while (conn->closing > 0)
        g_cond_wait(&conn->closed_one, &conn->closing_lock);
    g_mutex_unlock(&conn->closing_lock);
}
