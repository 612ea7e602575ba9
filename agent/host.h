/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/host.h - this host: its configuration and the cluster that it names
 *
 * A Host is one reading of remora.conf. A reload makes another; jobs that
 * began with the old one end with it.
 *
 * Threads:  counted, and otherwise unchanging: any thread may use it. What
 *           is marked "blocks" waits for the cluster.
 */
#ifndef REMORA_AGENT_HOST_H
#define REMORA_AGENT_HOST_H

#include "agent/rbd/store.h"
#include "agent/whose.h"
#include "conf/conf.h"
#include "xml/dom.h"

/* Files of this host's own state, below run_dir. */
#define HOST_RUN_DIR REMORA_RUNDIR
/* What it keeps when it boots. */
#define HOST_STATE_DIR REMORA_STATEDIR

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
/* May block: the last one closes the cluster's connection. */
void host_unref(Host *host);
/* The same, for who must not wait: the last one is left to another thread. */
void host_let_go(Host *host);

/* Reads the configuration as host_new() does. conf_unref() it. */
Conf *host_read_conf(const char *path, GError **error);

const Conf *host_conf(const Host *host);
StoreCluster *host_cluster(const Host *host);

/* Who is asked for what a Host does not know itself. */
typedef enum {
    HOST_ASK_NOBODY,  /* the fsid is known if the cluster was asked before */
    HOST_ASK_CONF,    /* ceph.conf, which may not say */
    HOST_ASK_MEMORY,  /* what the cluster said last; it, if it never did */
    HOST_ASK_CLUSTER, /* blocks, connects if need be, fails if that fails */
} HostAsk;

/* What xml/ needs to plan. The strings belong to host; it stays where it is, for
 * the rules point into it. */
typedef struct {
    DomRules rules;
    char *fsid;
    Whose whose;
    bool sure; /* fsid and monitors are known: nothing of the plan depends on
                * who was asked */
} HostRules;
/* Where the monitors have never been seen, and cannot be: those of ceph.conf. */
gboolean
host_rules(Host *host, HostAsk ask, HostRules *ret_rules, GError **error);
void host_rules_clear(HostRules *rules);

/* What xml/ needs to rewrite. */
typedef struct {
    DomSite site;
    GArray *hosts; /* of DomHost, borrowed from monitors */
    GPtrArray *monitors;
    char *secret_uuid;
} HostSite;
/* Of the cluster: the live monitors; else those of ceph.conf. */
gboolean host_site(Host *host, HostAsk ask, HostSite *ret_site, GError **error);
void host_site_clear(HostSite *site);

/* The Ceph user that QEMU is. Owned by host. */
const char *host_guest_user(const Host *host);
/* The UUID of the libvirt secret with that user's key: the configured one, or
 * the same on every host for one fsid and user. g_free() it. */
char *host_secret_uuid(const Host *host, const char *fsid);

/* The live monitor map, of StoreMonitor; g_ptr_array_unref() it. While the
 * monitors elect a leader, the one that was fetched last. Who asks while somebody
 * fetches it gets what he gets. Blocks. */
GPtrArray *host_monitors(Host *host, GError **error);
/* The one that was fetched last; NULL: none yet. */
GPtrArray *host_last_monitors(Host *host);
/* The same, if that was less than HOST_FRESH_MS ago: many starts at once, as
 * after a boot, share one look. */
#define HOST_FRESH_MS 1000
GPtrArray *host_fresh_monitors(Host *host);
/* Fetches the live map. Whether it is another than the last one; false also
 * where it cannot be had. Blocks. */
bool host_monitors_moved(Host *host);

/* For who is about to take a disk for another cluster's by its hosts: fetches the
 * live map, unless that has just been done, or nobody would answer. Whether more
 * is known than before. Blocks. */
bool host_learn_monitors(Host *host);

/* For who is to answer soon: FALSE: most of the monitors that were there last
 * do not greet, so that it had better do without them. That is no reason to
 * refuse anybody else: a probe says whether the cluster is down. Blocks for less
 * than a second, most often for a millisecond. */
gboolean host_check_monitors(Host *host, GError **error);

/* libvirt's URI for the configured socket. g_free() it. */
char *host_libvirt_uri(const Host *host);

/* Decides, for each disk that names a bare image id, in which of the image
 * pools the image is. Blocks. */
gboolean host_find_parents(Host *host, DomPlan *plan, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_unref)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostRules, host_rules_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostSite, host_site_clear)

#endif
