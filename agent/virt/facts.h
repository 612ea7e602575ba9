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

typedef struct {
    void (*free)(gpointer data);
    /* libvirt's URI. g_free() it. */
    char *(*uri)(gpointer data);
    /* What is to become of a stored definition; NULL: nothing. ret_ours: it has
     * something to do with this host's disks. */
    gboolean (*changes)(gpointer data,
                        const char *xml,
                        DomChanges **ret_changes,
                        bool *ret_ours,
                        GError **error);
    /* Whether changes() would say something else now, since the monitors of what
     * is in the definition turned out to be others. */
    bool (*moved)(gpointer data, const char *xml);
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
