/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/domain.h - a domain that a line names, and its disks
 */
#ifndef REMORA_AGENT_CLI_DOMAIN_H
#define REMORA_AGENT_CLI_DOMAIN_H

#include "agent/cli/cmd.h"

typedef struct {
    char *uri; /* libvirt's */
    char uuid[VIR_UUID_STRING_BUFLEN];
    bool active;
    char *xml; /* the definition as it runs, or else as it is stored */
    DomPlan *plan;
} CmdDomain;

void cmd_domain_clear(CmdDomain *domain);
/* name: the domain's, or its UUID. */
gboolean cmd_domain_read(Host *host,
                         const char *name,
                         CmdDomain *ret_domain,
                         GError **error);
/* The disk of that target, whose content is in one image of a configured pool.
 * NULL: error says what else it is. */
const DomDisk *
cmd_domain_disk(const CmdDomain *domain, const char *target, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CmdDomain, cmd_domain_clear)

#endif
