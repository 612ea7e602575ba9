/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/task-watch.c - whether the manager gets on with what it was given
 */
#include "config.h"

#include "agent/rbd/image/task-watch.h"

/* A queue of which no task has moved for so long hangs. */
#define STILL_US (60 * G_USEC_PER_SEC)

/* Of all its tasks: one may wait for long behind others. */
static void
watch_queue(StoreTaskWatch *watch)
{
    gint64 now = g_get_monotonic_time();

    if (g_strcmp0(watch->queue, watch->task.queue) != 0) {
        g_free(watch->queue);
        watch->queue = g_strdup(watch->task.queue);
        watch->since_us = now;
    }
    watch->still = now - watch->since_us > STILL_US;
}

void
store_task_watch_ask(StoreTaskWatch *watch,
                     StoreCluster *cluster,
                     StoreTaskKind kind,
                     const char *pool,
                     const char *image_id)
{
    int r;

    store_task_clear(&watch->task);
    r = store_task_find(cluster, kind, pool, image_id, &watch->task);
    if (r < 0) {
        watch->says = STORE_MGR_CANNOT;
        return;
    }
    watch->says = watch->task.id ? STORE_MGR_TASK : STORE_MGR_NO_TASK;
    watch_queue(watch);
}

void
store_task_watch_clear(StoreTaskWatch *watch)
{
    store_task_clear(&watch->task);
    g_clear_pointer(&watch->queue, g_free);
}
