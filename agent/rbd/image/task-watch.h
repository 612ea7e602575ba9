/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/task-watch.h - whether the manager gets on with what it was given
 *
 * Threads:  any; what asks it blocks, for some seconds at most. One watch is for one
 * thread at a time.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_TASK_WATCH_H
#define REMORA_AGENT_RBD_IMAGE_TASK_WATCH_H

#include "agent/rbd/image/task-verdict.h"
#include "agent/rbd/image/task.h"

/* All of it may be read. Begins as nothing but zeroes. */
typedef struct {
    StoreMgrSays says;
    StoreTask task; /* if it has one */
    bool still;     /* none of its tasks has moved for a while */
    char *queue;    /* as it was when it last moved, at since_us */
    gint64 since_us;
} StoreTaskWatch;

/* Asks it for its task for one image. */
void store_task_watch_ask(StoreTaskWatch *watch,
                          StoreCluster *cluster,
                          StoreTaskKind kind,
                          const char *pool,
                          const char *image_id);
void store_task_watch_clear(StoreTaskWatch *watch);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreTaskWatch, store_task_watch_clear)

#endif
