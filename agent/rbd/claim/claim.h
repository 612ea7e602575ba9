/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/claim.h - the right to write to one image, from asking for it
 * to handing it to a guest
 *
 * Threads: any; everything blocks but store_claim_leave().
 */
#ifndef REMORA_AGENT_RBD_CLAIM_CLAIM_H
#define REMORA_AGENT_RBD_CLAIM_CLAIM_H

#include "agent/rbd/claim/record.h"
#include "agent/rbd/store-internal.h"

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

/* From whom a claim was taken over. */
typedef struct {
    char *text;        /* what it said; NULL: there was none */
    const char *proof; /* why it could be taken; static */
    char *dead;        /* the address of whom the proof is about, or NULL */
    GString *cut_off;  /* who was cut off for it, for the log; or NULL */
} StoreClaimTaken;

void store_claim_taken_clear(StoreClaimTaken *taken);

struct StoreClaim {
    StoreConn *conn; /* a reference */
    char *pool;
    char *image;
    char *owner;
    char *text;          /* what stands in the claim: its exact value */
    StoreRecord *record; /* the same */
    bool arrived;        /* it is the arrival in the source's claim */
    guint64 beat;        /* under the cluster's lock, as is the next */
    bool touching;       /* the last touch has had no answer yet */
};

/*
 * Takes the claim, cuts off who may still write under what it was taken from,
 * or gives the reason why not. ret_taken is to be cleared in any case. After
 * TRUE the claim is building, or has arrived.
 */
gboolean store_claim_acquire(StoreConn *conn,
                             const StoreClaimAsk *ask,
                             StoreClaim **ret_claim,
                             StoreClaimTaken *ret_taken,
                             GError **error);

/* Notes in it the id of an image that was there before anybody built. */
gboolean store_claim_adopt(StoreClaim *claim, const char *id, GError **error);

/* Frees it, and leaves it in the cluster as a dead builder's: for an image that
 * is not to be told from a half-made one without it. */
void store_claim_abandon(StoreClaim *claim);

/* Whether an image with this id was found, not built, under the claim, or had
 * been handed to a guest before. */
bool store_claim_has_adopted(const StoreClaim *claim, const char *id);

/* What 'adopted' is when any image is: a guest had it before. */
#define STORE_ADOPTED_ANY "*"

/* For how long whoever may come back is cut off: years. Ceph's own default, an
 * hour, is enough only for a process that is proved dead. */
#define STORE_CUT_OFF_S (5u * 365u * 24u * 3600u)

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreClaimTaken, store_claim_taken_clear)

#endif
