/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/down.h - for who has no memory: it did not answer just now
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_DOWN_H
#define REMORA_AGENT_RBD_CONN_DOWN_H

#include "agent/rbd/conn/cluster.h"

/* For a process that serves one request, and ends before another comes. Its
 * successor is to know that the cluster did not answer. Any thread. */
void store_cluster_note_down(const StoreCluster *cluster);
/* Before anything else is done with a new cluster: if that was noted less than
 * a minute ago, the cluster has wait_ms to show that it works. true: it did
 * not, and calls are refused until it does. Blocks for wait_ms at most. */
bool store_cluster_recall_down(StoreCluster *cluster, guint wait_ms);

#endif
