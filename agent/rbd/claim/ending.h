/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/ending.h - what becomes of a guest's claim, as a pure function
 *
 * On the guest's own host: by what the claim says, what libvirt says of the
 * domain, and who has the image open. What carries it out is settle.c.
 */
#ifndef REMORA_AGENT_RBD_CLAIM_ENDING_H
#define REMORA_AGENT_RBD_CLAIM_ENDING_H

#include "agent/rbd/claim/guest.h"
#include "agent/rbd/claim/record.h"

typedef struct {
    StorePhase phase;
    StoreGuestState guest;
    bool same_domain;
    bool here;      /* the claim was written on this host */
    bool this_boot; /* and since it has booted */
    bool has_arrival;
    bool arrival_here;
    bool arrival_this_boot;
    bool plugged;   /* the live definition has the disk, as a source, in a
                    * backing chain or as the target of a block job */
    bool shared;    /* as one that several may write to */
    bool attach;    /* STORE_PHASE_HANDED: a call asked for it */
    bool call_over; /* and it is known to have come back */
    bool handed;    /* this host's notes: it was handed here, and its watch was
                    * never seen */
    bool watched;   /* somebody has it open */
    bool watch_is_there; /* the recorded guest has it open */
    bool let_go;         /* its watch is not there, and it is known to have
                          * nothing on its way */
    bool one_is_ours;    /* exactly one has it open, with an address of this
                          * host, and that is no process of ours and no watch
                          * that the claim records */
} StoreEndFacts;

typedef enum {
    STORE_END_KEEP,
    STORE_END_NOTE_WATCH,  /* handed or arrived: running, by the only watch */
    STORE_END_NOTE_OTHER,  /* running: the guest has it open by another client
                            * now, and the one before may come back */
    STORE_END_CREATE,      /* no claim: the guest gets a running one */
    STORE_END_DROP,        /* nobody writes any more */
    STORE_END_CUT_DROP,    /* something of the recorded client's may still be on
                           * its way, or its watch stands in the way: cut it off
                           * first */
    STORE_END_PROMOTE,     /* the source has ended: what it sent is handed */
    STORE_END_CUT_PROMOTE, /* likewise: cut the source off first */
    STORE_END_FORGET_ARRIVAL, /* what came here has ended */
    STORE_END_DESTROY, /* the guest was cut off before its watch was seen: it
                        * must not go on */
} StoreEnd;

StoreEnd store_claim_end(const StoreEndFacts *facts);
/* What there is to settle yet, after STORE_END_KEEP. */
StoreSettled store_claim_kept(const StoreEndFacts *facts);

#endif
