/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cluster.h - one Ceph cluster of the configuration: its connection, its
 * monitors, its secret, and what xml/ needs to know of it
 *
 * Threads:  any. What is marked "blocks" waits for the cluster.
 */
#ifndef REMORA_AGENT_CLUSTER_H
#define REMORA_AGENT_CLUSTER_H

#include "agent/rbd/store.h"
#include "agent/whose.h"
#include "conf/conf.h"
#include "xml/dom.h"

/* Files of this host's own state, below run_dir. */
#define HOST_RUN_DIR REMORA_RUNDIR
/* What it keeps when it boots. */
#define HOST_STATE_DIR REMORA_STATEDIR

typedef struct Cluster Cluster;

/* What is said on the command line; NULL: as configured. */
typedef struct {
    const char *user;
    const char *keyring;
} ClusterAs;

/* Of conf->clusters. Does not connect. */
Cluster *cluster_new(Conf *conf, guint index, const ClusterAs *as);
/* May block: it closes the connection. */
void cluster_free(Cluster *cluster);

StoreCluster *cluster_store(const Cluster *cluster);
const ConfCluster *cluster_conf(const Cluster *cluster);
const char *cluster_name(const Cluster *cluster);
/* The Ceph user that QEMU is. Owned by cluster. */
const char *cluster_guest_user(const Cluster *cluster);
/* The UUID of the libvirt secret with that user's key: the configured one, or
 * the same on every host for one fsid and user. g_free() it. */
char *cluster_secret_uuid(const Cluster *cluster, const char *fsid);

/* Who is asked for what a Cluster does not know itself. */
typedef enum {
    HOST_ASK_NOBODY,  /* the fsid is known if the cluster was asked before */
    HOST_ASK_CONF,    /* ceph.conf, which may not say */
    HOST_ASK_MEMORY,  /* what the cluster said last; it, if it never did */
    HOST_ASK_CLUSTER, /* blocks, connects if need be, fails if that fails */
} HostAsk;

/* What xml/ needs to plan. The strings belong to the cluster; it stays where it
 * is, for the rules point into it. Where the monitors have never been seen, and
 * cannot be, those of ceph.conf count. */
typedef struct {
    DomRules rules;
    char *fsid;
    Whose whose;
} ClusterRule;
gboolean cluster_rule(Cluster *cluster,
                      HostAsk ask,
                      ClusterRule *ret_rule,
                      GError **error);
void cluster_rule_clear(ClusterRule *rule);

/* What xml/ needs to rewrite. */
typedef struct {
    DomSite site;
    GArray *hosts; /* of DomHost, borrowed from monitors */
    GPtrArray *monitors;
    char *secret_uuid;
    char *cache; /* modes, by type */
    char *cache_file;
    char *cache_block;
} ClusterSite;
/* Of the cluster: the live monitors; else those of ceph.conf. */
gboolean cluster_site(Cluster *cluster,
                      HostAsk ask,
                      ClusterSite *ret_site,
                      GError **error);
void cluster_site_clear(ClusterSite *site);

/* The live monitor map, of StoreMonitor; g_ptr_array_unref() it. While the
 * monitors elect a leader, the one that was fetched last. Who asks while somebody
 * fetches it gets what he gets. Blocks. */
GPtrArray *cluster_monitors(Cluster *cluster, GError **error);
/* The one that was fetched last; NULL: none yet. */
GPtrArray *cluster_last_monitors(Cluster *cluster);
/* The same, if that was less than HOST_FRESH_MS ago: many starts at once, as
 * after a boot, share one look. */
#define HOST_FRESH_MS 1000
GPtrArray *cluster_fresh_monitors(Cluster *cluster);
/* Fetches the live map, unless it is fresh: a host with thousands of definitions
 * asks for each. Whether another one than before has come since then (monotonic),
 * whoever fetched it; false also where none can be had. Blocks. */
bool cluster_monitors_moved(Cluster *cluster, gint64 since_us);

/* For who is about to take a disk for another cluster's by its hosts: fetches the
 * live map, unless that has just been done, or nobody would answer. Whether more
 * is known than before. Blocks. */
bool cluster_learn_monitors(Cluster *cluster);

/* For who is to answer soon: FALSE: most of the monitors that were there last
 * do not greet, so that it had better do without them. That is no reason to
 * refuse anybody else: a probe says whether the cluster is down. Blocks for less
 * than a second, most often for a millisecond. */
gboolean cluster_check_monitors(Cluster *cluster, GError **error);

#endif
