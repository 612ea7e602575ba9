/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/full.h - work that waits for space
 *
 * Threads:  any; what connects blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_FULL_H
#define REMORA_AGENT_RBD_DISK_FULL_H

#include "agent/rbd/disk/disk.h"

typedef struct StoreConn StoreConn;

/* For who has waited for a while: whether what is being made for waiter, or for
 * this owner, does not come to an end because a pool is full or at its quota,
 * in which case writes simply wait for space, or because its pool is known not
 * to answer. FALSE: STORE_ERROR_FULL or STORE_ERROR_DOWN, which names the pool;
 * what waits goes on waiting, up to op_timeout_ms, and others will be told at
 * once. Blocks. */
gboolean store_cluster_has_space(StoreCluster *cluster,
                                 const char *waiter,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether somebody found a pool full and nobody has found space since. */
bool store_space_is_missing(StoreCluster *cluster);
/* Before something is made: asks a monitor only if that is so, and now and then
 * if its data goes to another pool. FALSE: there is no space in the disk's pool, in
 * its parent's, or in that. */
gboolean
store_space_check(StoreConn *conn, const StoreDisk *disk, GError **error);
/* Before one gets larger whose data is in data_pool; NULL: in its own. */
gboolean store_data_space_check(StoreConn *conn,
                                const StoreDisk *disk,
                                const char *data_pool,
                                GError **error);

#endif
