/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/own-dir.h - where this host's notes about a cluster are
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_OWN_DIR_H
#define REMORA_AGENT_RBD_CONN_OWN_DIR_H

#include "agent/rbd/conn/cluster.h"

/* run_dir itself, or run_dir/FSID; NULL: the cluster's fsid has never been known
 * here. Owned by the cluster. */
const char *store_own_dir(const StoreCluster *cluster);
/* The cluster itself has said its fsid: that directory is its own from now on. */
void store_own_dir_take(const StoreCluster *cluster, const char *fsid);

#endif
