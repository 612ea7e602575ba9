/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/disks.h - all disks of one plan, provisioned at once
 *
 * Threads: any; blocks. Contract as of request.h, whose second half this is.
 */
#ifndef REMORA_AGENT_DISKS_H
#define REMORA_AGENT_DISKS_H

#include "agent/request.h"

GPtrArray *disks_list_new(void);   /* of RequestDisk */
GPtrArray *disks_claims_new(void); /* of StoreClaim; freeing it drops them */

/* Also checks that each disk's monitors are monitors still. */
gboolean disks_provision(Host *host,
                         const DomPlan *plan,
                         const RequestHow *how,
                         RequestReady *ready,
                         GError **error);

#endif
