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

/*
 * Rewrites the domain's stored definition. A client may start the domain at
 * any moment, so this is done with the monitors that were fetched last, and
 * once more if the live ones turn out to be others. ret_changed: whether there
 * was anything to do. Errors: VIRT_ERROR, and those of the
 * facts.
 */
gboolean virt_define_rewrite(const VirtFacts *facts,
                             virDomainPtr domain,
                             bool *ret_changed,
                             GError **error);

/* Puts back what was there before remora. */
gboolean
virt_define_revert(virDomainPtr domain, bool *ret_changed, GError **error);

#endif
