/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/fence.h - cut a client off, and know that it is
 *
 * Threads:  any; all block.
 */
#ifndef REMORA_AGENT_RBD_CONN_FENCE_H
#define REMORA_AGENT_RBD_CONN_FENCE_H

#include "agent/rbd/conn/cluster.h"

typedef struct StoreConn StoreConn;

/* Whether an operator cut off this whole host; false also where the cluster does
 * not say. Blocks. */
bool store_host_is_cut_off(StoreCluster *cluster);
/* Takes that back: nothing of before is left on this host. FALSE: it cannot be
 * taken back, and the error says how. Blocks. */
gboolean store_host_let_in(StoreCluster *cluster,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* seconds 0: the cluster's default, an hour. */
gboolean
store_fence(StoreConn *conn, const char *addr, guint seconds, GError **error);
/* Takes it back, as far as this user may: the process is proved dead. */
void store_fence_lift(StoreConn *conn, const char *addr);

#endif
