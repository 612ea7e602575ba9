/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/monitors.h - the monitors that ceph.conf names
 *
 * Threads: any. Does not connect to the cluster.
 */
#ifndef REMORA_AGENT_MONITORS_H
#define REMORA_AGENT_MONITORS_H

#include "agent/rbd/store.h"

/*
 * As librados looks for them: mon_host, else mon_addr of each [mon.NAME], else
 * the SRV records of mon_dns_srv_name (only then it blocks, for a second at
 * most). Of StoreMonitor, whose port is NULL where none is given: QEMU's
 * librados tries both then. Errors: STORE_ERROR_MISSING, none are named;
 * STORE_ERROR_FAILED, something is that is not an address.
 */
GPtrArray *monitors_from_conf(const StoreCluster *cluster,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same from the text of mon_host. */
GPtrArray *monitors_from_text(const char *mon_host,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
