/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/monitors.h - the addresses of the monitors
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_MONITORS_H
#define REMORA_AGENT_RBD_CONN_MONITORS_H

#include "agent/rbd/conn/cluster.h"
#include "agent/rbd/conn/greet.h"

/* The live monitor map ('mon dump'): every address of every monitor, the v1
 * address of a monitor first where it has both. Of StoreMonitor. Blocks. */
GPtrArray *store_monitors(StoreCluster *cluster, GError **error);
/* The same from the JSON text; pure. */
GPtrArray *store_monitors_parse(const char *json, gsize len, GError **error);

#endif
