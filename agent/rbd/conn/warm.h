/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/warm.h - the one connection in use: got, and given up
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_WARM_H
#define REMORA_AGENT_RBD_CONN_WARM_H

#include "agent/rbd/conn/cluster.h"

typedef struct StoreConn StoreConn;

/* Makes sure of a connection. Blocks up to connect_timeout_ms, or not at all
 * while the cluster is known to be down. */
gboolean store_cluster_connect(StoreCluster *cluster,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Whether there is one at this moment. Does not block. */
bool store_cluster_is_connected(const StoreCluster *cluster);
/* The cluster's id, connecting if need be. Owned by the cluster. Blocks. */
const char *store_cluster_fsid(StoreCluster *cluster, GError **error);

/* A reference; made if there is none. Blocks. */
StoreConn *store_conn_acquire(StoreCluster *cluster, GError **error);
/* What a call on it returned: retires it, or sets it aside and has a probe look
 * at once whether the image, the pool or the cluster does not answer. pool and
 * image: what the call was about, as far as the caller knows; what this thread
 * is at work on (conn/work.c) is looked at, too. Does nothing about any other
 * number. */
void
store_conn_note(StoreConn *conn, int r, const char *pool, const char *image);
/* The words of store_explain(); conn, which may be NULL, is told of r. */
gboolean
store_fail(GError **error, StoreConn *conn, int r, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

#endif
