/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/flatten-verdict.c - who flattens a disk, as a pure function
 */
#include "config.h"

#include "agent/rbd/disk/flatten-verdict.h"

static StoreFlattenDo
by_manager(const StoreFlattenFacts *facts)
{
    static const StoreFlattenDo does[] = {
        [STORE_TASK_ASK] = STORE_FLATTEN_ASK,
        [STORE_TASK_QUEUE] = STORE_FLATTEN_QUEUE,
        [STORE_TASK_WAIT] = STORE_FLATTEN_WAIT,
        [STORE_TASK_HERE] = STORE_FLATTEN_HERE,
        [STORE_TASK_LEAVE] = STORE_FLATTEN_LEAVE,
    };
    const StoreTaskFacts task = {facts->mgr, facts->queued, facts->still};

    return does[store_task_verdict(&task)];
}

/* The manager is not given it, for it could not be cut off without harm to all
 * else that it does. If it has it all the same, it is waited for, until it says
 * that it has not. */
static StoreFlattenDo
alone(const StoreFlattenFacts *facts)
{
    switch (facts->mgr) {
    case STORE_MGR_NOT_ASKED:
        return STORE_FLATTEN_ASK;
    case STORE_MGR_TASK:
        return STORE_FLATTEN_WAIT;
    case STORE_MGR_NO_TASK:
        return facts->mgr_watches ? STORE_FLATTEN_WAIT : STORE_FLATTEN_HERE;
    case STORE_MGR_CANNOT:
        break;
    }
    return facts->mgr_named ? STORE_FLATTEN_WAIT : STORE_FLATTEN_HERE;
}

/* Where there is an exclusive lock two may flatten at once: only who holds it
 * writes, and who has lost it is cut off. */
static StoreFlattenDo
by_whom(const StoreFlattenFacts *facts)
{
    if (facts->lockless)
        return alone(facts);
    return facts->here ? STORE_FLATTEN_HERE : by_manager(facts);
}

/* With a map nobody begins, and who has begun is stopped. */
static bool
needs_no_map(StoreFlattenDo what)
{
    return what == STORE_FLATTEN_HERE || what == STORE_FLATTEN_QUEUE ||
           what == STORE_FLATTEN_WAIT;
}

static StoreFlattenDo
without_parent(const StoreFlattenFacts *facts)
{
    if (facts->lingers)
        return STORE_FLATTEN_WAIT;
    if (!facts->map_off)
        return STORE_FLATTEN_DONE;
    return facts->others ? STORE_FLATTEN_WAIT : STORE_FLATTEN_MAP_ON;
}

StoreFlattenDo
store_flatten_verdict(const StoreFlattenFacts *facts)
{
    StoreFlattenDo what;

    if (!facts->has_parent)
        return without_parent(facts);
    if (!facts->wanted)
        return STORE_FLATTEN_NOTHING;
    if (facts->others)
        return STORE_FLATTEN_WAIT;
    what = by_whom(facts);
    return facts->mapped && needs_no_map(what) ? STORE_FLATTEN_MAP_OFF : what;
}

bool
store_flatten_goes_on(const StoreFlattenFacts *facts)
{
    if (facts->here || !facts->has_parent)
        return false;
    return facts->mgr == STORE_MGR_TASK ||
           (facts->mgr == STORE_MGR_NOT_ASKED && facts->queued);
}

void
store_flatten_cancelled(StoreFlattenFacts *facts)
{
    facts->mgr = STORE_MGR_NOT_ASKED;
    facts->queued = false;
}

const char *
store_flatten_why_here(const StoreFlattenFacts *facts)
{
    if (facts->lockless)
        return "it has no exclusive lock: it is flattened here";
    if (facts->mgr == STORE_MGR_TASK)
        return "the cluster's task queue does not get on: it is flattened here";
    return facts->mgr == STORE_MGR_CANNOT
               ? "the cluster's manager has no task queue for us, or does not "
                 "answer: it is flattened here"
               : "it is flattened here";
}
