/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/settle.h - the claims of a domain's disks follow what the domain does
 *
 * After a start, an attach, an end, a restart of the agent or of libvirtd: the
 * claims are read first, then libvirt is asked, then they are changed if they
 * still say what they said. So it can be done at any time, by any process of the
 * host, and again.
 *
 * Threads:  any; everything blocks. Never from what a hook waits for.
 */
#ifndef REMORA_AGENT_SETTLE_H
#define REMORA_AGENT_SETTLE_H

#include "agent/flattens.h"
#include "agent/host.h"
#include "agent/virt/ask.h"

/* How libvirt is asked, and told to end a guest. */
typedef struct {
    /* VIRT_ERROR_GONE: there is no such domain. */
    gboolean (*ask)(gpointer data,
                    const char *uuid,
                    VirtDomain *ret_domain,
                    GError **error);
    gboolean (*destroy)(gpointer data, const char *uuid, GError **error);
    /* Whether the call that asked for that disk is known to be over; pool is a
     * host_pool_key(). */
    bool (*is_over)(gpointer data,
                    const char *uuid,
                    const char *pool,
                    const char *image);
    gpointer data;
    /* What gets each disk that a guest is seen to have; NULL: nothing. */
    Flattens *flattens;
} SettleVirt;

/* Everything that this host knows of the domain's disks: what was noted when
 * they were claimed, and what xml, its definition or NULL, says. false: it has
 * to be looked at again. */
bool settle_domain(Host *host,
                   const SettleVirt *virt,
                   const char *uuid,
                   const char *xml);

#endif
