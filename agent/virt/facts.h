/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/facts.h - what libvirt's side is told of this host
 *
 * It knows no cluster: what is to become of a definition, and what the key is
 * that a secret holds, it asks whoever made the facts.
 *
 * Threads:  counted, and otherwise unchanging: any thread may use them. The
 *           functions block, secret_name apart.
 */
#ifndef REMORA_AGENT_VIRT_FACTS_H
#define REMORA_AGENT_VIRT_FACTS_H

#include "xml/dom.h"

/* What is to become of a stored definition. */
typedef struct {
    DomPlan *plan;       /* of it, as it is */
    DomChanges *changes; /* NULL: nothing */
    bool ours;           /* it has something to do with this host's disks */
    bool left; /* more is to be done once a disk of it is not in use any more */
    /* Those that its guest writes to, though others are cloned from them (of
     * char *, 'pool/image'); NULL: none. */
    GPtrArray *images;
    guint32 clusters; /* that its disks are in, a bit each */
    gint64 since_us;  /* when it was begun to find that out */
} VirtChanges;

void virt_changes_clear(VirtChanges *changes);

/* A domain as it runs; NULL: it does not. To be given to free(). */
typedef char *(*VirtLive)(gpointer domain);

typedef struct {
    void (*free)(gpointer data);
    /* libvirt's URI. g_free() it. */
    char *(*uri)(gpointer data);
    /* Whether a definition may say anything of this host's disks: a look at its
     * bytes, which most of a host's definitions do not outlive. */
    bool (*concerns)(const char *xml);
    /* What is to become of a stored definition. live is asked only where
     * something would change. pools: libvirt's storage pools that it names (of
     * DomStoragePool), or NULL. ret_changes is to be cleared in any case. */
    gboolean (*changes)(gpointer data,
                        const GArray *pools,
                        const char *xml,
                        VirtLive live,
                        gpointer domain,
                        VirtChanges *ret_changes,
                        GError **error);
    /* Whether disks that are there already are completed. */
    bool (*completes)(gpointer data);
    /* The cluster, by its place among the rules, that has a monitor at one of
     * these hosts (of DomHost); false: none has. */
    bool (*cluster_at)(gpointer data,
                       const GPtrArray *hosts,
                       guint *ret_cluster);
    /* Whether changes() would say something else now than it has said, since the
     * monitors of what is in the definition turned out to be others. */
    bool (*moved)(gpointer data, const VirtChanges *done);
    /* The Ceph user that a secret is for, without 'client.'; owned by data. NULL:
     * there are no more secrets. */
    const char *(*secret_name)(gpointer data, guint index);
    /* Its UUID, g_free() it; and the key (base64), which is given to free_key. */
    char *(*secret_uuid)(gpointer data, guint index, GError **error);
    char *(*secret_key)(gpointer data, guint index, GError **error);
    void (*free_key)(char *key);
    /* Whether what failed so is worth another try. */
    bool (*may_pass)(const GError *error);
} VirtFactsClass;

typedef struct {
    gint refs;
    const VirtFactsClass *class;
    gpointer data;
} VirtFacts;

/* data is the facts' then. */
VirtFacts *virt_facts_new(const VirtFactsClass *class, gpointer data);
VirtFacts *virt_facts_ref(VirtFacts *facts);
void virt_facts_unref(VirtFacts *facts);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirtFacts, virt_facts_unref)

#endif
