/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rewrite.h - what a client gives to libvirt, as it should be
 *
 * Before libvirt has it, so that nothing is made, and nothing is remembered.
 * Without the cluster the monitors that it had last are named, or those of
 * ceph.conf, as long as nothing else has to be asked of it; else the error is
 * there within a second.
 *
 * Threads:  any; everything blocks.
 * Errors:   as of request.h.
 */
#ifndef REMORA_AGENT_REWRITE_H
#define REMORA_AGENT_REWRITE_H

#include "agent/request.h"

/* A whole definition; the disks that are there already are completed if the
 * configuration says so (libvirt.complete_existing), here and below. ret_xml
 * gets NULL where nothing is to change. g_free() it. A disk of a storage pool that
 * is known to be Ceph's is completed in any case, for libvirt would not start
 * it. */
gboolean rewrite_domain(Host *host,
                        const RequestKnown *known,
                        const char *xml,
                        gsize len,
                        char **ret_xml,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef enum {
    REWRITE_FOR_STORE,
    REWRITE_FOR_ATTACH, /* by the monitors of today alone */
    /* Nothing but what leads to the image: libvirt changes neither cache mode
     * nor discard of a disk that a guest has, and refuses to be asked. */
    REWRITE_FOR_UPDATE,
} RewriteFor;

/* What becomes of a lone device of a domain (request_plan_device()). */
gboolean rewrite_device(Host *host,
                        DomPlan *plan,
                        RewriteFor what,
                        char **ret_xml,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
