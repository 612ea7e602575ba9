/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/verdict.h - who may take a claim over, as a pure function
 *
 * Facts in, one action out. What carries it out is acquire.c; what each rule
 * rests on is in README.md.
 */
#ifndef REMORA_AGENT_RBD_CLAIM_VERDICT_H
#define REMORA_AGENT_RBD_CLAIM_VERDICT_H

#include "agent/rbd/claim/record.h"

/* The process that builds. */
typedef enum {
    STORE_BUILDER_AT_WORK, /* alive: this process, or its lock is held */
    STORE_BUILDER_DEAD,    /* its lock is free, or it is us and not at work */
    STORE_BUILDER_SILENT,  /* another host's, unchanged for long enough */
    STORE_BUILDER_UNKNOWN, /* another host's, not watched for long enough */
} StoreBuilder;

/* Who has the image open, apart from this process and the builders. */
typedef enum {
    STORE_WATCHED_BY_NOBODY,
    STORE_WATCHED_BY_GUEST,  /* the recorded guest, and nobody else */
    STORE_WATCHED_BY_OWED,   /* a guest that the claim still owes */
    STORE_WATCHED_BY_OTHERS, /* anybody else */
} StoreWatched;

typedef struct {
    StorePhase phase;
    StoreBuilder builder; /* of STORE_PHASE_BUILDING and STORE_PHASE_OLD */
    StoreWatched watched;
    bool let_go;      /* STORE_PHASE_RUNNING, and nobody watches: that guest is
                       * known to have nothing on its way */
    bool here;        /* it was written on this host */
    bool this_boot;   /* and since this host has booted */
    bool same_domain; /* for the domain that asks now */
    bool ended;       /* that domain: libvirt says that it does not run here,
                       * and no QEMU of it is left here */
    bool starts;      /* it asks because it starts, not to attach */
    bool arriving;    /* it starts because it migrates to here */
    bool not_handed;  /* STORE_PHASE_OLD: its notes say that nobody got it */
    bool has_arrival;
    bool arrival_here; /* as above, of the arrival */
    bool arrival_this_boot;
} StoreTakeFacts;

typedef enum {
    STORE_TAKE_DEAD,     /* take it: who had it is proved dead */
    STORE_TAKE_SILENT,   /* take it: who had it may come back, so has to be cut
                        * off for good */
    STORE_TAKE_WAIT,     /* watch it for a while longer */
    STORE_TAKE_PUT_BACK, /* whom it was taken from is there again */
    STORE_TAKE_ARRIVE,   /* be the arrival in the source's claim */
    STORE_TAKE_REFUSE_BUILDING,
    STORE_TAKE_REFUSE_HANDED,
    STORE_TAKE_REFUSE_RUNNING,
    STORE_TAKE_REFUSE_ARRIVAL, /* a migration has not come to its end */
    STORE_TAKE_REFUSE_OWN,     /* the domain that asks has it already */
} StoreTake;

StoreTake store_claim_may_take(const StoreTakeFacts *facts);
/* Whether whose claim it was, if a guest's client is known, has to be cut off by
 * who takes it so. */
bool store_claim_owes(const StoreTakeFacts *facts, StoreTake how);

#endif
