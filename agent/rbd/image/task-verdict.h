/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/task-verdict.h - who does long work, as a pure function
 *
 * The manager, if it can and gets on; else this process.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_TASK_VERDICT_H
#define REMORA_AGENT_RBD_IMAGE_TASK_VERDICT_H

#include <stdbool.h>

typedef enum {
    STORE_MGR_NOT_ASKED,
    STORE_MGR_CANNOT,  /* it does not answer, has no queue, or lets us not */
    STORE_MGR_NO_TASK, /* none for this image */
    STORE_MGR_TASK,    /* it is queued, or at work */
} StoreMgrSays;

/* Of work that is not done yet, which was asked after the manager was. */
typedef struct {
    StoreMgrSays mgr; /* what it says of its tasks */
    bool queued;      /* it was given this one before */
    bool still;       /* none of its tasks has moved for a while */
} StoreTaskFacts;

typedef enum {
    STORE_TASK_ASK,   /* ask the manager */
    STORE_TASK_QUEUE, /* give it to the manager */
    STORE_TASK_WAIT,  /* and look again */
    STORE_TASK_HERE,  /* do it */
    STORE_TASK_LEAVE, /* somebody has taken it out of the queue */
} StoreTaskDo;

StoreTaskDo store_task_verdict(const StoreTaskFacts *facts);

#endif
