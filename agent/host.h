/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/host.h - this host: its configuration and the clusters that it names
 *
 * A Host is one reading of remora.conf. A reload makes another; jobs that
 * began with the old one end with it.
 *
 * Threads:  counted, and otherwise unchanging: any thread may use it. What
 *           is marked "blocks" waits for a cluster.
 */
#ifndef REMORA_AGENT_HOST_H
#define REMORA_AGENT_HOST_H

#include "agent/cluster.h"

typedef struct Host Host;

/*
 * conf_path NULL: /etc/remora/remora.conf if it is there, else the defaults.
 * user and keyring, where not NULL, replace those of the configuration.
 * Does not connect. Errors: CONF_ERROR.
 */
Host *host_new(const char *conf_path,
               const char *user,
               const char *keyring,
               GError **error) G_GNUC_WARN_UNUSED_RESULT;
Host *host_ref(Host *host);
/* May block: the last one closes the clusters' connections. */
void host_unref(Host *host);
/* The same, for who must not wait: the last one is left to another thread. */
void host_let_go(Host *host);

/* Reads the configuration as host_new() does. conf_unref() it. */
Conf *host_read_conf(const char *path, GError **error);

const Conf *host_conf(const Host *host);
/* How many clusters there are, at least one; and one of them, in the order of the
 * configuration. Owned by host. */
guint host_clusters(const Host *host);
Cluster *host_cluster(const Host *host, guint index);
/* That of a disk of a plan by this host's rules; and its connection. */
Cluster *host_cluster_of(const Host *host, const DomDisk *disk);
StoreCluster *host_store_of(const Host *host, const DomDisk *disk);
/* Of the image that the disk is a clone of, if that is in another cluster; NULL: it
 * is not, or in none of this host's. */
StoreCluster *host_store_from(const Host *host, const DomDisk *disk);
/* That of the image whose clone it is; NULL: none of this host's. */
Cluster *host_cluster_of_image(const Host *host, const DomDisk *disk);
/* Whether a disk of the plan is in it. */
bool host_needs(const DomPlan *plan, guint index);
/* Those that a disk of the plan is in, a bit each. */
guint32 host_needed(const Host *host, const DomPlan *plan);
/* Whether an image is, which a disk in another one is a clone of. */
bool host_reads(const DomPlan *plan, guint index);
/* The names of some, a bit each, as a message has them in its quotes: "ceph", or
 * "ceph' or 'far". g_free() it. */
char *host_cluster_names(const Host *host, guint32 which);
/* The first cluster that has a pool for images of that name; NULL: none. */
Cluster *host_cluster_with_images(const Host *host, const char *pool);
/* Which one has that name; false: none, and ret_index stays as it is. */
bool host_cluster_index(const Host *host, const char *name, guint *ret_index);
/* A pool, as calls for its images are told apart: those of two clusters may have
 * one name. g_free() it. */
char *host_pool_key(const Host *host, guint cluster, const char *pool);

/* What xml/ needs to plan; it stays where it is. */
typedef struct {
    guint n;
    DomRules *rules;    /* n */
    ClusterRule *parts; /* n */
} HostRules;
/* likely: as another plan says, the clusters that are asked; of the rest it is
 * enough what ceph.conf says, and of those with images only, what is known. NULL:
 * all are. */
gboolean host_rules(Host *host,
                    HostAsk ask,
                    const DomPlan *likely,
                    bool complete_bare,
                    HostRules *ret_rules,
                    GError **error);
void host_rules_clear(HostRules *rules);
/* A name that may yet stand for a monitor of one of the clusters, and of which
 * nothing came in time: a disk with it counts as none's. NULL: no disk does. */
const char *host_rules_doubt(const HostRules *rules);
/* Whether another who is asked could not make another plan of it. */
bool host_rules_sure(const HostRules *rules, const DomPlan *plan);

/* What xml/ needs to rewrite a plan: of the clusters that it needs. */
typedef struct {
    guint n;
    DomSite *sites;     /* n */
    ClusterSite *parts; /* n */
} HostSite;
gboolean host_site(Host *host,
                   HostAsk ask,
                   const DomPlan *plan,
                   HostSite *ret_site,
                   GError **error);
void host_site_clear(HostSite *site);
/* See DomSite; arrival is borrowed, or NULL. */
void host_site_same_guest(HostSite *site, const char *arrival);

/* cluster_monitors_moved() of any of these clusters, a bit each,
 * cluster_learn_monitors() of any at all, cluster_check_monitors() of those that
 * it needs. Blocks. */
bool host_monitors_moved(Host *host, guint32 which, gint64 since_us);
bool host_learn_monitors(Host *host);
gboolean host_check_monitors(Host *host, const DomPlan *plan, GError **error);

/* libvirt's URI for the configured socket. g_free() it. */
char *host_libvirt_uri(const Host *host);

/* Decides, for each disk that names a bare image id, in which of the image
 * pools the image is: of the disk's cluster, else of the others. Blocks. */
gboolean host_find_parents(Host *host, DomPlan *plan, GError **error);
/* The same where nobody can be asked: in the only pool of the disk's cluster.
 * Whether that decides all of them. */
bool host_guess_parents(Host *host, DomPlan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostRules, host_rules_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostSite, host_site_clear)

#endif
