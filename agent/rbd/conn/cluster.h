/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/cluster.h - one Ceph cluster, as one user, and what is kept for it
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_CLUSTER_H
#define REMORA_AGENT_RBD_CONN_CLUSTER_H

#include <glib.h>
#include <stdbool.h>

typedef struct StoreCluster StoreCluster;

/* Copied by store_cluster_new(). */
typedef struct {
    const char *name;    /* what messages call the cluster */
    const char *conf;    /* path of ceph.conf, or NULL: librados decides */
    const char *user;    /* without 'client.' */
    const char *keyring; /* path, or NULL: librados decides */
    guint connect_timeout_ms;
    guint op_timeout_ms;
    const char *run_dir;   /* this host's own state, on tmpfs; must exist */
    const char *state_dir; /* the same, on disk; made if it is not there */
    bool inherits; /* what is in run_dir itself, of an agent that knew only one
                    * cluster, is this one's */
    /* NULL-terminated: an answer from any of them means that it works. */
    const char *const *probe_pools;
    guint64 clone_object_size;   /* bytes or 0; never below the parent's */
    guint64 clone_features;      /* librbd's mask, or 0: cluster's default */
    const char *clone_data_pool; /* or NULL */
    bool grow_by_librbd;         /* it makes each clone (clone.grow) */
    bool clone_convert;          /* images that are not raw, too */
    guint clone_max_depth;       /* above so many parents it is flattened */
    bool clone_flatten;          /* each of them is */
    guint trash_expiry_s;        /* how long what we trash can come back */
} StoreSettings;

/* Does not connect. */
StoreCluster *store_cluster_new(const StoreSettings *settings);
StoreCluster *store_cluster_ref(StoreCluster *cluster);
/* The last one closes the connection; claims that are still held stay in the
 * cluster, with a note in run_dir for whoever comes next. May block. */
void store_cluster_unref(StoreCluster *cluster);
const char *store_cluster_name(const StoreCluster *cluster);
const char *store_cluster_user(const StoreCluster *cluster);
/* They do not change. */
const StoreSettings *store_settings(const StoreCluster *cluster);
/* What messages call its ceph.conf. */
const char *store_conf_path(const StoreCluster *cluster);

/* What a file keeps for each cluster: it alone knows what that is, and guards it
 * with a lock of its own. */
typedef struct {
    gsize size;
    void (*init)(gpointer part); /* it was zeroed */
    /* Before anything of any part is freed: ends the part's threads, and lets go
     * of connections. Blocks. NULL: there is nothing of that kind. */
    void (*end)(gpointer part);
    void (*clear)(gpointer part);
} StorePart;

/* Made when it is first asked for; valid as long as the cluster is. */
gpointer store_cluster_part(const StoreCluster *cluster, const StorePart *kind);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreCluster, store_cluster_unref)

#endif
