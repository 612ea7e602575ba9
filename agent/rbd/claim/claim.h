/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/claim.h - the right to write to one image, asked for and held
 */
#ifndef REMORA_AGENT_RBD_CLAIM_CLAIM_H
#define REMORA_AGENT_RBD_CLAIM_CLAIM_H

#include "agent/rbd/claim/record.h"

typedef struct StoreClaim StoreClaim;
typedef struct StoreConn StoreConn;

typedef struct StoreClaimAsk StoreClaimAsk;

/* Who asks for which image. Borrowed for the call. */
struct StoreClaimAsk {
    const char *pool;
    const char *image;
    const char *domain; /* for which domain, by its UUID */
    bool starts;        /* because it starts: libvirt says it does not run */
    bool arriving;      /* because it migrates to here */
    bool builds;        /* and will make the image if it is not there */
    /* Whether no QEMU of the domain is left on this host; NULL: not known. */
    bool (*has_ended)(const char *domain);
    /* The addresses of those who have the image open; none if there is no
     * such image. NULL: an error. */
    char **(*watchers)(StoreConn *conn,
                       const char *pool,
                       const char *image,
                       GError **error);
    /* Whether a client whose watch is gone has nothing on its way. */
    bool (*let_go)(StoreConn *conn,
                   const char *pool,
                   const char *image,
                   const char *addr);
    gint64 until_us; /* how long a builder may be watched; monotonic clock */
};

struct StoreClaim {
    StoreConn *conn; /* a reference */
    char *pool;
    char *image;
    char *owner;
    char *text;          /* what stands in the claim: its exact value */
    StoreRecord *record; /* the same */
    bool arrived;        /* it is the arrival in the source's claim */
    guint64 beat;        /* guarded by claim/beat.c, as is the next */
    bool touching;       /* the last touch has had no answer yet */
};

/* What 'adopted' is when any image is: a guest had it before. */
#define STORE_ADOPTED_ANY "*"

/* For how long whoever may come back is cut off: years. Ceph's own default, an
 * hour, is enough only for a process that is proved dead. */
#define STORE_CUT_OFF_S (5u * 365u * 24u * 3600u)

#endif
