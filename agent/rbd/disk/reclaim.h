/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/reclaim.h - what dead processes of this host left
 *
 * Threads:  any; it blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_RECLAIM_H
#define REMORA_AGENT_RBD_DISK_RECLAIM_H

#include "agent/rbd/conn/cluster.h"

/* Something that a dead client of this host left and that was put right. */
typedef struct {
    char *image; /* 'pool/image' */
    char *text;  /* as StoreResult's recovered */
} StoreRecovery;

void store_recovery_free(StoreRecovery *recovery);

/* For the start of an agent: what dead processes of this host left. A claim
 * under which one was building is dropped if the image is whole, and else left:
 * the next provision takes it and puts the image right. What was handed to a
 * guest is noted as this process's to settle. The files of those that left
 * nothing are removed. An image is never touched.
 * dropped gets one StoreRecovery for each claim that was dropped; also after a
 * failure, when everything else was looked at all the same, unless the cluster
 * is gone. It may be called again. Blocks. */
gboolean
store_claims_reclaim(StoreCluster *cluster, GPtrArray *dropped, GError **error);

#endif
