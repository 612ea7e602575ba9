/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/offline.h - what ceph.conf says, for who may not connect
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_OFFLINE_H
#define REMORA_AGENT_RBD_CONN_OFFLINE_H

#include "agent/rbd/conn/cluster.h"

/* What ceph.conf says of the monitors, as one text in the form of mon_host,
 * without connecting: mon_host, else the mon_addr of each [mon.NAME]. NULL:
 * neither, or the file cannot be read. g_free() */
char *store_conf_mon_host(const StoreCluster *cluster);
/* An option of ceph.conf, or its default, as librados reads it for the cluster's
 * user. NULL: empty, or the file cannot be read. g_free() */
char *store_conf_option(const StoreCluster *cluster, const char *option);
/* The fsid that ceph.conf names, without connecting; NULL: none. g_free() */
char *store_conf_fsid(const StoreCluster *cluster);

#endif
