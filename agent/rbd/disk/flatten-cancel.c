/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/flatten-cancel.c - the manager leaves off to flatten an image
 */
#include "config.h"

#include "agent/rbd/disk/flatten-cancel.h"

#include "agent/rbd/image/task.h"
#include "agent/rbd/image/watchers.h"

#define TIMES    40
#define AGAIN_US (G_USEC_PER_SEC / 4)

/* Whether there was one. */
static bool
cancel(StoreConn *conn, const char *pool, const char *id)
{
    g_auto(StoreTask) task = {0};

    if (store_task_find(conn->cluster, pool, id, &task) < 0 || !task.id)
        return false;
    (void)store_task_cancel(conn->cluster, task.id);
    return true;
}

static bool
is_open(StoreConn *conn, const char *pool, const char *image)
{
    g_auto(GStrv) watchers = store_watchers(conn->cluster, pool, image, NULL);

    return watchers && watchers[0];
}

void
store_flatten_cancel(StoreConn *conn,
                     const char *pool,
                     const char *image,
                     const char *id)
{
    bool seen = false;

    for (int i = 0; i < TIMES; i++) {
        bool there = cancel(conn, pool, id);

        seen = seen || there;
        if (!there && !(seen && is_open(conn, pool, image)))
            return;
        g_usleep(AGAIN_US);
    }
}
