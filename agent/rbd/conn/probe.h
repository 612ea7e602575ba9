/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/probe.h - does the cluster answer, and which pool does not?
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_PROBE_H
#define REMORA_AGENT_RBD_CONN_PROBE_H

#include "agent/rbd/conn/cluster.h"

/* Whether calls are refused until a probe succeeds, and for how long (in
 * seconds) that has been so. */
bool store_cluster_is_down(StoreCluster *cluster, guint *ret_seconds);
/* For the caller whose own patience ended while the cluster was at work: a
 * probe looks at once whether the cluster, or the disks that are being made
 * ready for waiter (see store_cluster_has_space()), do not answer. waiter may be
 * NULL. What works goes on meanwhile. Does not block. */
void store_cluster_suspect(StoreCluster *cluster, const char *waiter);

/* Whether it is at work on a disk for waiter, as above. Does not block. */
bool store_cluster_is_at_work(const StoreCluster *cluster, const char *waiter);

/* Has the thread look at once. */
void store_probe_begin(StoreCluster *cluster);
/* The same for who has waited for a monitor as long as one may: if they do not
 * even greet, they are not waited for once more. */
void store_probe_monitors(StoreCluster *cluster);
/* Whom that asks: the last map, of StoreMonitor. */
void store_probe_ask(StoreCluster *cluster, GPtrArray *monitors);
/* Refuses what comes from now on, until a probe succeeds. */
void store_cluster_mark_down(StoreCluster *cluster, const char *cause);
/* FALSE: that is so, and error says it. */
gboolean store_cluster_admit(StoreCluster *cluster, GError **error);
/* For a new cluster of which somebody else says that it has not answered for
 * so long: whether it answers a probe within wait_ms. If not, calls are refused
 * until it does. */
bool store_cluster_try(StoreCluster *cluster, gint64 down_s, guint wait_ms);

#endif
