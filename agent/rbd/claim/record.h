/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/record.h - what a claim says, as text and as a structure
 *
 * The text is one line of words 'key=value', the whole value of the attribute
 * that every change of a claim compares first. Every text has a number of its
 * own, so that no two are the same and a late change meets no later claim.
 *
 * Pure. README.md beside this file has the protocol.
 */
#ifndef REMORA_AGENT_RBD_CLAIM_RECORD_H
#define REMORA_AGENT_RBD_CLAIM_RECORD_H

#include "agent/rbd/conn/place.h"

/* Limits of what a claim may say. A taker who finds no room in it refuses:
 * whom a claim names is never forgotten. */
#define STORE_CLAIM_MAX          8192u
#define STORE_CLAIM_OWED_MAX     16u
#define STORE_CLAIM_BUILDERS_MAX 16u

typedef enum {
    STORE_PHASE_NONE,     /* there is no claim */
    STORE_PHASE_BUILDING, /* a process of ours works on the image */
    STORE_PHASE_HANDED,   /* a guest may open it, whose watch nobody knows */
    STORE_PHASE_RUNNING,  /* a guest has it open, whose watch is known */
    STORE_PHASE_FENCED,   /* an operator cut off who had it */
    STORE_PHASE_OLD,      /* remora 0.1 wrote it */
} StorePhase;

/* One who may write: a domain at a place. */
typedef struct {
    StorePlace place;
    char *domain; /* its UUID */
    char *addr;   /* its watch; while that is not known, its agent's client */
    char *ips;    /* other addresses that clients of its host may have, without
                   * ports and with blanks between; or NULL */
} StoreGuest;

void store_guest_clear(StoreGuest *guest);
void store_guest_free(StoreGuest *guest);
StoreGuest *store_guest_copy(const StoreGuest *guest);

typedef struct {
    StorePhase phase;
    StoreGuest who; /* while building, whose work it is; addr: the client's */
    char *nonce;    /* of this text */
    char *instance; /* of the process that builds; else NULL */
    char *adopted;  /* the id of an image that it only found, or NULL */
    bool attach;    /* a call asked for it, not the domain's start */
    gint64 since;   /* by the writer's clock, seconds since 1970 */
    StoreGuest *arrival; /* who is on the way here by migration, or NULL */
    GPtrArray *owed;     /* of StoreGuest: recorded guests that have to be cut
                          * off before anybody builds; never NULL */
    GPtrArray *builders; /* of char *: addresses of earlier builders, which may
                          * write until they are cut off; never NULL */
} StoreRecord;

/* Empty lists, everything else zero. */
StoreRecord *store_record_new(StorePhase phase);
StoreRecord *store_record_copy(const StoreRecord *record);
void store_record_free(StoreRecord *record);

/* With a new nonce. NULL: it is longer than STORE_CLAIM_MAX. g_free() it. */
char *store_record_text(const StoreRecord *record);
/* NULL: it is none, or one of a later version. */
StoreRecord *store_record_parse(const char *text);
/* What version 0.1 wrote as its holder. */
StoreRecord *store_record_parse_old(const char *holder);

/* A word for people: 'building', 'handed', ... */
const char *store_phase_word(StorePhase phase);
/* text, which it borrows, or "?": what a record does not say. */
const char *store_known(const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreRecord, store_record_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreGuest, store_guest_free)

#endif
