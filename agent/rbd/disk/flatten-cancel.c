/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/flatten-cancel.c - the manager leaves off to flatten an image
 */
#include "config.h"

#include "agent/rbd/disk/flatten-cancel.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/image/task.h"
#include "agent/rbd/image/watchers.h"

#include <errno.h>

/* So long it may take to close an image whose task was cancelled. */
#define CLOSE_US (10 * G_USEC_PER_SEC)
#define AGAIN_US (G_USEC_PER_SEC / 4)

StoreCancel
store_flatten_cancel_verdict(int r, bool task, bool open)
{
    /* It has no queue: whoever is at it has it open. */
    if (r == -EINVAL)
        return open ? STORE_CANCEL_AGAIN : STORE_CANCEL_NONE;
    if (r == -EACCES || r == -EPERM)
        return STORE_CANCEL_BARRED;
    if (r < 0)
        return STORE_CANCEL_UNKNOWN;
    return task || open ? STORE_CANCEL_AGAIN : STORE_CANCEL_NONE;
}

/* ret_task: there was one. */
static int
cancel(StoreConn *conn, const char *pool, const char *id, bool *ret_task)
{
    g_auto(StoreTask) task = {0};
    int r = store_task_find(conn->cluster, STORE_TASK_FLATTEN, pool, id, &task);

    *ret_task = r >= 0 && task.id;
    if (*ret_task)
        r = store_task_cancel(conn->cluster, task.id);
    /* It has come to its end meanwhile. */
    return r == -ENOENT ? 0 : r;
}

/* As far as is known. */
static bool
is_open(StoreConn *conn, const char *pool, const char *image)
{
    g_autoptr(GError) why = NULL;
    g_auto(GStrv) watchers = store_watchers(conn->cluster, pool, image, &why);

    if (!watchers)
        return !g_error_matches(why, STORE_ERROR, STORE_ERROR_MISSING);
    return watchers[0] != NULL;
}

StoreCancel
store_flatten_cancel(StoreConn *conn,
                     const char *pool,
                     const char *image,
                     const char *id)
{
    gint64 until = g_get_monotonic_time() + CLOSE_US;
    StoreCancel what = STORE_CANCEL_AGAIN;

    while (what == STORE_CANCEL_AGAIN) {
        bool task = false;
        int r = cancel(conn, pool, id, &task);
        bool asks = (r >= 0 && !task) || r == -EINVAL;

        what = store_flatten_cancel_verdict(r, task,
                                            asks && is_open(conn, pool, image));
        if (what != STORE_CANCEL_AGAIN)
            break;
        if (g_get_monotonic_time() >= until)
            what = STORE_CANCEL_UNKNOWN;
        else
            g_usleep(AGAIN_US);
    }
    return what;
}
