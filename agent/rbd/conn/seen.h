/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/seen.h - what is written down of what was seen of a cluster
 *
 * A file in state_dir, of lines: 'fsid FSID', then 'now HOST PORT' for each
 * address of a monitor, then 'former HOST PORT' for those that were in an
 * earlier map, the newest first.
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_RBD_CONN_SEEN_H
#define REMORA_AGENT_RBD_CONN_SEEN_H

#include "agent/rbd/conn/cluster.h"

/* What this host has seen of the cluster, now or earlier. */
typedef struct {
    char *fsid;        /* NULL: never */
    GPtrArray *now;    /* of StoreMonitor, as in the last map */
    GPtrArray *former; /* the same, of earlier maps */
} StoreSeen;
/* Does not connect. */
void store_seen_read(const StoreCluster *cluster, StoreSeen *ret_seen);
void store_seen_clear(StoreSeen *seen);

/* Former addresses that are kept. */
#define STORE_FORMER_MAX 256u

/* Pure. What cannot be read is left out. */
void store_seen_parse(const char *text, StoreSeen *ret_seen);
char *store_seen_text(const StoreSeen *seen);
/* The cluster of that fsid has those monitors now (of StoreMonitor): whether
 * that is news. What is known of a cluster of another fsid is forgotten. Pure. */
bool
store_seen_update(StoreSeen *seen, const char *fsid, const GPtrArray *monitors);

/* The cluster has that fsid; NULL: that is not known. What was seen of another one
 * is forgotten. Pure. */
void store_seen_expect(StoreSeen *seen, const char *fsid);

/* A map was fetched from the cluster of that fsid. */
void store_seen_note(const StoreCluster *cluster,
                     const char *fsid,
                     const GPtrArray *monitors);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreSeen, store_seen_clear)

#endif
