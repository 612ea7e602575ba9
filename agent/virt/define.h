/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/define.h - stored definitions, changed in place
 *
 * Never by DefineXML: a redefinition brings back a domain that was undefined
 * meanwhile, overwrites a concurrent edit and loses the VNC password. What is
 * used instead (virDomainSetMetadata, virDomainUpdateDeviceFlags, Attach and
 * Detach, all AFFECT_CONFIG) fails cleanly once the domain is gone.
 *
 * Threads:  any; everything blocks, as long as a hook of the domain runs too.
 */
#ifndef REMORA_AGENT_VIRT_DEFINE_H
#define REMORA_AGENT_VIRT_DEFINE_H

#include "agent/virt/error.h"
#include "agent/virt/facts.h"

typedef struct {
    bool changed; /* there was something to do */
    bool left;    /* there is, once a disk of it is not in use any more */
    /* Those that its guest writes to, though others are cloned from them (of
     * char *, 'pool/image'); NULL: none. */
    GPtrArray *images;
    char *xml;     /* what is stored now; NULL: it was changed. Of libvirt's */
    DomPlan *plan; /* of that; NULL: it was not read */
} VirtDefined;

void virt_defined_clear(VirtDefined *defined);

/*
 * Rewrites the domain's stored definition. A client may start the domain at
 * any moment, so this is done with the monitors that were fetched last, and
 * once more if the live ones turn out to be others. A disk that an active domain
 * has, or whose image somebody has open, stays what it is; of a clone that
 * remora made only the way there is made right, and a request for the very image
 * that the guest has is carried out. Errors: VIRT_ERROR, and those of the
 * facts; ret_defined is to be cleared in any case.
 */
gboolean virt_define_rewrite(const VirtFacts *facts,
                             virDomainPtr domain,
                             VirtDefined *ret_defined,
                             GError **error);

/* Puts back what was there before remora. */
gboolean
virt_define_revert(virDomainPtr domain, bool *ret_changed, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VirtDefined, virt_defined_clear)

#endif
