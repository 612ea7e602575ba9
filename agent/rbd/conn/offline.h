/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/offline.h - what ceph.conf says, for who may not connect
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_OFFLINE_H
#define REMORA_AGENT_RBD_CONN_OFFLINE_H

#include "agent/rbd/conn/cluster.h"

/* The monitors that mon_host names, of StoreMonitor. */
GPtrArray *store_monitors_from_conf(const StoreCluster *cluster,
                                    GError **error);
/* The fsid that ceph.conf names, without connecting; NULL: none. g_free() */
char *store_conf_fsid(const StoreCluster *cluster);

#endif
