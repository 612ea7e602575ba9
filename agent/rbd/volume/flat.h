/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/flat.h - a claimed volume is flattened
 *
 * By the mechanism of disks (disk/flatten.h): by the cluster's manager, or here.
 *
 * Threads:  any; blocks. Of this room.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_FLAT_H
#define REMORA_AGENT_RBD_VOLUME_FLAT_H

#include "agent/rbd/volume/claimed.h"
#include "agent/rbd/volume/progress.h"

typedef enum {
    STORE_FLAT_NO_WAIT, /* that the manager has it is enough, if nothing is to be done
                         * behind it */
    STORE_FLAT_WAIT, /* until it is flat; told to end, the manager goes on, unless a
                      * snapshot is to go behind it */
    STORE_FLAT_HERE, /* the manager is not asked, so that nobody goes on */
} StoreFlatWait;

/* It has a parent. If it hung from a snapshot that was made for it alone, who calls
 * this lets go of that (origin.h), unless it is queued. steps->size is the volume's.
 * ret_queued: it is not flat yet, the manager goes on, and a mark says so. After a
 * failure one does only if somebody may go on. */
gboolean store_flat(const StoreClaimed *claimed,
                    StoreFlatWait wait,
                    StoreSteps *steps,
                    bool *ret_queued,
                    GError **error);

/* Of one that is flat: what is left to do if nobody has waited for that, its snapshot
 * too. steps: NULL, it cannot be cancelled. */
gboolean store_flat_finish(const StoreClaimed *claimed,
                           StoreSteps *steps,
                           GError **error);

#endif
