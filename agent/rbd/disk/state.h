/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/state.h - how a disk stands, for people
 *
 * Threads:  any; it blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_STATE_H
#define REMORA_AGENT_RBD_DISK_STATE_H

#include "agent/rbd/conn/cluster.h"

/* How an image stands; strings are owned by it. */
typedef struct {
    bool there;         /* an image of that name */
    bool opens;         /* and it can be opened; what follows is of that */
    bool ready;         /* marked as whole */
    guint64 size;       /* bytes */
    guint64 overlap;    /* bytes that the parent can show through */
    char *owner;        /* from the mark, or NULL */
    char *parent;       /* 'pool/image@snap', or NULL */
    char **watchers;    /* addresses, as store_watchers() has them; NULL: it was
                         * not opened to be asked */
    bool crowded;       /* there are more than that lists, and none here */
    bool held;          /* it was not opened, and whom the claim says to have it
                         * open holds its lock */
    char *claim_phase;  /* 'building', 'handed', 'running', 'fenced', or 'old'
                         * (of version 0.1); NULL: no claim */
    char *claim_host;   /* the host that it is of, or NULL */
    char *claim_owner;  /* whom it is for, or NULL */
    char *claim_addr;   /* that client's address, or NULL */
    char *claim_to;     /* the host that the guest migrates to, or NULL */
    gint64 claim_since; /* by that host's clock, seconds since 1970 */
} StoreState;

/* To be shown, not to be decided by: it may have changed meanwhile. An image
 * that is not there is no error. ret_state is untouched on failure. Blocks. */
gboolean store_state(StoreCluster *cluster,
                     const char *pool,
                     const char *image,
                     StoreState *ret_state,
                     GError **error);
/* The same for who asks for many: where the pool, or the image, is known not to
 * answer, that is the error, and nothing is waited for. */
gboolean store_state_in_turn(StoreCluster *cluster,
                             const char *pool,
                             const char *image,
                             StoreState *ret_state,
                             GError **error);
void store_state_clear(StoreState *state);

/* The same of n images of a pool, many at a time and without opening them.
 * ret_known: whether a state is known, for each; else store_state() is to be
 * asked, and the state is empty. One that is known has nobody who writes to it,
 * or the one who is named by its claim: by the image's lock, without which no
 * client writes. Who has it open without the lock is not seen. */
gboolean store_states(StoreCluster *cluster,
                      const char *pool,
                      const char *const *images,
                      guint n,
                      StoreState *ret_states,
                      bool *ret_known,
                      GError **error);

/* Who has an image open, as far as its header and its claim say. */
typedef enum {
    STORE_OPEN_UNCLEAR, /* only the image itself, once it is open, can tell */
    STORE_OPEN_BY_NOBODY,
    STORE_OPEN_BY_CLAIMED, /* the guest that the claim names */
} StoreOpen;

typedef struct {
    bool has_lock;  /* the image has the feature 'exclusive-lock' */
    guint holders;  /* of that lock */
    guint32 holder; /* of one: the last number of its address */
    bool claimed;
    const char *running; /* the address that the claim says to have it open, or
                          * NULL */
} StoreOpenFacts;

/* Pure. */
StoreOpen store_open_by(const StoreOpenFacts *facts);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreState, store_state_clear)

#endif
