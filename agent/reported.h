/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/reported.h - is a domain ours of which libvirt reports something?
 *
 * Threads:  any; reported_is_to_be_settled() blocks.
 */
#ifndef REMORA_AGENT_REPORTED_H
#define REMORA_AGENT_REPORTED_H

#include "agent/host.h"

/* Its UUID, g_free() it; NULL: it is not ours, or its definition cannot be read.
 * name is for the log. */
char *reported_uuid(Host *host, const char *name, const char *xml, gsize len);

/* Whether there may be claims of it: it runs with disks of ours, or left a claim,
 * as few of those that are off did. plan: of the definition, or NULL. */
bool reported_is_to_be_settled(Host *host,
                               const char *uuid,
                               const char *xml,
                               const DomPlan *plan,
                               bool active);

#endif
