/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/pools.h - libvirt's storage pools that are pools of Ceph's
 *
 * Threads: any; everything blocks. Never from what a hook waits for.
 */
#ifndef REMORA_AGENT_VIRT_POOLS_H
#define REMORA_AGENT_VIRT_POOLS_H

#include "agent/virt/facts.h"

#include <libvirt/libvirt.h>

/* Of DomStoragePool, whose strings it owns. */
typedef struct {
    GArray *pools;
} VirtPools;

void virt_pools_clear(VirtPools *pools);
/* Those of the pools named in a definition that are of the host's clusters; one
 * that libvirt does not know is left out. */
void virt_pools_read(const VirtFacts *facts,
                     virConnectPtr conn,
                     const char *xml,
                     gsize len,
                     VirtPools *ret_pools);
/* The same over a connection of its own, waited for up to timeout_ms; asked for
 * only if the definition names any. Errors: VIRT_ERROR. */
gboolean virt_pools_ask(VirtFacts *facts,
                        const char *xml,
                        gsize len,
                        guint timeout_ms,
                        VirtPools *ret_pools,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VirtPools, virt_pools_clear)

#endif
