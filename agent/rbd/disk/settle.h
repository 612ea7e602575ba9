/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/settle.h - a claim follows its guest
 *
 * Threads:  any; what connects blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_SETTLE_H
#define REMORA_AGENT_RBD_DISK_SETTLE_H

#include "agent/rbd/claim/guest.h"
#include "agent/rbd/conn/cluster.h"

/* What the claim on a disk said at a moment. */
typedef struct StoreSight StoreSight;

/* First this, then ask what the guest does, then settle: so that an answer is
 * never about an earlier guest than the claim is. Blocks. */
StoreSight *store_sight_new(StoreCluster *cluster,
                            const char *pool,
                            const char *image,
                            GError **error);
/* For whom the claim is, or NULL: there is none. Owned by sight. */
const char *store_sight_owner(const StoreSight *sight);
/* Makes the claim follow the guest: noted as running once its watch is seen,
 * gone when it has ended, that of a guest which ran before there was any made
 * anew. ret_text gets a line for the log, or NULL; g_free() it. Blocks. */
gboolean store_sight_settle(StoreSight *sight,
                            const StoreGuestNow *now,
                            StoreSettled *ret_settled,
                            char **ret_text,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
void store_sight_free(StoreSight *sight);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreSight, store_sight_free)

#endif
