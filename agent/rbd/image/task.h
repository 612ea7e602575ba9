/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/task.h - what the manager does with an image by itself
 *
 * Threads: any. What asks the manager blocks, for some seconds at most, and
 * returns librados' number: -ETIMEDOUT, it does not answer; -EINVAL, it has no
 * task queue; -EACCES, the user may not.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_TASK_H
#define REMORA_AGENT_RBD_IMAGE_TASK_H

#include "agent/rbd/conn/cluster.h"

typedef enum {
    STORE_TASK_FLATTEN,
    STORE_TASK_TRASH_REMOVE, /* for good, of an image that is in the trash */
} StoreTaskKind;

typedef struct {
    char *id;        /* NULL: there is none */
    bool at_work;    /* the manager has the image open */
    double progress; /* 0 to 1 */
    char *queue; /* how all tasks stand: what does not change stands still */
} StoreTask;

void store_task_clear(StoreTask *task);
/* json: the answer to 'rbd task list'. false: it makes no sense. Pure. */
bool store_task_parse(const char *json,
                      gsize len,
                      StoreTaskKind kind,
                      const char *pool,
                      const char *image_id,
                      StoreTask *ret_task);

int store_task_find(StoreCluster *cluster,
                    StoreTaskKind kind,
                    const char *pool,
                    const char *image_id,
                    StoreTask *ret_task);
/* One that is there already is as good. image: its name, or its id if it is in the
 * trash. */
int store_task_add(StoreCluster *cluster,
                   StoreTaskKind kind,
                   const char *pool,
                   const char *image);
int store_task_cancel(StoreCluster *cluster, const char *id);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreTask, store_task_clear)

#endif
