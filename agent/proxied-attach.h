/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/proxied-attach.h - a disk for a domain that runs
 *
 * Threads: any; blocks. Errors: as of request.h.
 */
#ifndef REMORA_AGENT_PROXIED_ATTACH_H
#define REMORA_AGENT_PROXIED_ATTACH_H

#include "agent/agent.h"

typedef struct {
    guint uid;           /* whose call it is */
    const GArray *pools; /* of DomStoragePool; NULL: none are known */
    const char *xml;
    gsize len;
    bool copied_to; /* a disk of the domain is copied to it */
} ProxiedDevice;

/*
 * Makes the disk ready, as a start would, and gives what libvirt is to attach or
 * to copy to; NULL: the device as it is. Its claim is handed to the domain until
 * the call is over and the disk is seen with it or without; what has to be
 * undone if the answer comes too late is written into answer. domain NULL: it
 * has not been looked at.
 */
gboolean proxied_attach(Host *host,
                        Agent *agent,
                        const ProxiedDevice *device,
                        const VirtDomain *domain,
                        const char *uuid,
                        char **ret_xml,
                        AgentAnswer *answer,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What a drive is given while its domain runs is claimed by nobody, so it may not
 * write to it; domain as it runs, or NULL. */
gboolean proxied_medium(const DomDisk *disk,
                        const VirtDomain *domain,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
