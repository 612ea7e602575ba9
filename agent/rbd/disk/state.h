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
    char **watchers;    /* addresses, as store_watchers() has them */
    bool crowded;       /* there are more than that lists, and none here */
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
void store_state_clear(StoreState *state);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreState, store_state_clear)

#endif
