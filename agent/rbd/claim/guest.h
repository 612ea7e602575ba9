/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/guest.h - what a guest does, what became of its claim, and whom that names
 */
#ifndef REMORA_AGENT_RBD_CLAIM_GUEST_H
#define REMORA_AGENT_RBD_CLAIM_GUEST_H

#include <stdbool.h>

/* The owner, on this host. */
typedef enum {
    STORE_GUEST_UNKNOWN, /* nobody can say */
    STORE_GUEST_ENDED,   /* it does not run, and nothing of it is left */
    STORE_GUEST_OPENING, /* it is active, and may still open or close disks:
                          * it starts, arrives, or a job is under way */
    STORE_GUEST_RUNS,    /* it is active, and has open what it will have */
} StoreGuestState;

typedef struct {
    const char *domain; /* the owner */
    StoreGuestState state;
    bool plugged;   /* it has this disk: as a source, below one, or as what a
                   * block job writes to */
    bool shared;    /* as one that several may write to: no claim is kept */
    bool call_over; /* the call that asked for this disk has come back */
} StoreGuestNow;

typedef enum {
    STORE_SETTLED_NONE,    /* there is nothing of this host to settle */
    STORE_SETTLED_WAITING, /* look again in a while */
    STORE_SETTLED_RUNNING, /* the claim says whose watch is the guest's */
    STORE_SETTLED_DROPPED, /* the guest's claim is gone */
    STORE_SETTLED_CUT_OFF, /* the guest was cut off before its watch was seen:
                            * it must be ended */
} StoreSettled;

/* Somebody whom a claim names. */
typedef struct {
    char *host;  /* NULL: of an earlier builder only the address is known */
    char *addr;  /* or NULL */
    bool unseen; /* it has a guest whose own client nobody has seen yet: the
                  * address is its host's agent's */
} StoreClaimNamed;

#endif
