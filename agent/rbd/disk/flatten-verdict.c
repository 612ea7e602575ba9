/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/flatten-verdict.c - who flattens a disk, as a pure function
 */
#include "config.h"

#include "agent/rbd/disk/flatten-verdict.h"

static StoreFlattenDo
by_manager(const StoreFlattenFacts *facts)
{
    switch (facts->mgr) {
    case STORE_MGR_NOT_ASKED:
        return STORE_FLATTEN_ASK;
    case STORE_MGR_TASK:
        return facts->still ? STORE_FLATTEN_HERE : STORE_FLATTEN_WAIT;
    case STORE_MGR_NO_TASK:
        return facts->queued ? STORE_FLATTEN_LEAVE : STORE_FLATTEN_QUEUE;
    case STORE_MGR_CANNOT:
        break;
    }
    return STORE_FLATTEN_HERE;
}

/* Two may flatten at once, it only is work done twice. */
StoreFlattenDo
store_flatten_verdict(const StoreFlattenFacts *facts)
{
    if (!facts->has_parent)
        return facts->lingers ? STORE_FLATTEN_WAIT : STORE_FLATTEN_DONE;
    if (!facts->owed)
        return STORE_FLATTEN_NOTHING;
    if (facts->others)
        return STORE_FLATTEN_WAIT;
    return facts->here ? STORE_FLATTEN_HERE : by_manager(facts);
}
