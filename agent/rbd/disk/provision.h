/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/provision.h - a disk is there, whole, and one owner's
 *
 * Threads:  any; what connects blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_PROVISION_H
#define REMORA_AGENT_RBD_DISK_PROVISION_H

#include "agent/rbd/disk/disk.h"

void store_result_clear(StoreResult *result);

/*
 * Makes sure that a disk is there, whole, and claimed for its owner. Safe to
 * repeat, and from two hosts at once. Never shrinks an image, never deletes
 * one but a half-made clone of its own kind, which goes to the trash.
 *
 * After a failure ret_result holds no more than what was recovered, and no
 * claim is left unless a call timed out or the connection was lost (then whoever
 * comes next may take it over).
 * Blocks, up to several times op_timeout_ms when the cluster hangs.
 */
gboolean store_provision(StoreCluster *cluster,
                         const StoreDisk *disk,
                         StoreResult *ret_result,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
