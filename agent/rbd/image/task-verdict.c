/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/task-verdict.c - who does long work, as a pure function
 */
#include "config.h"

#include "agent/rbd/image/task-verdict.h"

StoreTaskDo
store_task_verdict(const StoreTaskFacts *facts)
{
    switch (facts->mgr) {
    case STORE_MGR_NOT_ASKED:
        return STORE_TASK_ASK;
    case STORE_MGR_TASK:
        return facts->still ? STORE_TASK_HERE : STORE_TASK_WAIT;
    case STORE_MGR_NO_TASK:
        return facts->queued ? STORE_TASK_LEAVE : STORE_TASK_QUEUE;
    case STORE_MGR_CANNOT:
        break;
    }
    return STORE_TASK_HERE;
}
