/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/disks.h - all disks of one plan, provisioned at once
 *
 * Threads: any; blocks. Contract as of request.h, whose second half this is.
 */
#ifndef REMORA_AGENT_DISKS_H
#define REMORA_AGENT_DISKS_H

#include "agent/host.h"

#define REQUEST_ERROR request_error_quark()
GQuark request_error_quark(void);

typedef enum {
    REQUEST_ERROR_REFUSED, /* what the definition says cannot be done */
} RequestErrorCode;

/* How one disk came to be ready. */
typedef struct {
    char *target;
    char *image; /* 'pool/image', or 'pool/image@snap' */
    StoreOutcome outcome;
    bool cloned;  /* it is an image's clone */
    guint64 size; /* bytes */
} RequestDisk;

typedef struct {
    char *domain;      /* its name, or NULL */
    char *uuid;        /* lower case */
    GPtrArray *disks;  /* of RequestDisk */
    GPtrArray *claims; /* of StoreClaim; see request_leave() */
} RequestReady;

typedef struct {
    /* The domain starts: libvirt says that it does not run here until now. */
    bool starts;
    /* It may use its disks when this was done, so that their claims are handed
     * to it (store_claim_hand). */
    bool hand;
    /* How long a builder of another host may be watched. */
    guint patience_ms;
    /* Where numbers of arrivals are (arrivals.h), of which the definition may
     * have one; NULL: none is known. */
    const char *arrivals;
    /* It comes from a host that has its disks open; request_prepare() sets it. */
    bool arriving;
    /* Definitions that still need a rewrite are provisioned as well, as for
     * a start that is to come later. */
    bool before_rewrite;
} RequestHow;

GPtrArray *disks_list_new(void);   /* of RequestDisk */
GPtrArray *disks_claims_new(void); /* of StoreClaim; freeing it drops them */

/* Also checks that each disk's monitors are monitors still. */
gboolean disks_provision(Host *host,
                         const DomPlan *plan,
                         const RequestHow *how,
                         RequestReady *ready,
                         GError **error);

#endif
