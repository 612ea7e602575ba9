/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/purge-verdict.c - whether an image may go from the trash
 */
#include "config.h"

#include "agent/rbd/image/purge-verdict.h"

/* Clones hang from snapshots, so that those are what is to be said. */
StorePurgeDo
store_purge_verdict(const StorePurgeFacts *facts)
{
    if (facts->clones > 0)
        return STORE_PURGE_KEEP_CLONES;
    if (facts->snapshots > 0)
        return STORE_PURGE_KEEP_SNAPSHOTS;
    return facts->watched && !facts->task ? STORE_PURGE_KEEP_WATCHED
                                          : STORE_PURGE_GO;
}
