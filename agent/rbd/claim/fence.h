/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/fence.h - what claims say of hosts, for people
 *
 * Threads:  any; all block.
 */
#ifndef REMORA_AGENT_RBD_CLAIM_FENCE_H
#define REMORA_AGENT_RBD_CLAIM_FENCE_H

#include "agent/rbd/claim/guest.h"
#include "agent/rbd/conn/cluster.h"

/* One claim, for people. */
typedef struct {
    char *pool;
    char *image;
    char *text;        /* all that it says */
    const char *phase; /* as StoreState's claim_phase; static */
    char *host;
    char *domain;
    char *addr;       /* of the client: the guest's, or its host's agent's */
    char *to_host;    /* where the guest migrates to, or NULL */
    GPtrArray *named; /* of StoreClaimNamed: everyone whom it names */
    gint64 since;     /* by that host's clock, seconds since 1970 */
} StoreClaimInfo;

void store_claim_info_free(StoreClaimInfo *info);
/* Adds every claim in a pool to list (of StoreClaimInfo). It reads the names of
 * all objects of the pool: for people who wait, not for a start. Blocks. */
gboolean store_claims_list(StoreCluster *cluster,
                           const char *pool,
                           GPtrArray *list,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Cuts a client off for years, or all of a host, and waits until the OSDs know
 * it. Never the host that this is. Blocks. */
gboolean store_client_cut_off(StoreCluster *cluster,
                              const char *addr,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
typedef enum {
    STORE_FENCED_NOT,  /* it says something else by now */
    STORE_FENCED_LESS, /* it does not name it any more, and is somebody's yet */
    STORE_FENCED_FREE, /* anybody may have the disk */
} StoreFenced;

/* What the claim said of a host when it was listed, or of a client if host is
 * NULL, is over: who that was has been cut off. Where the claim has changed since,
 * whom it names now has not been, and it is left alone. Blocks. */
gboolean store_claim_fence(StoreCluster *cluster,
                           const StoreClaimInfo *info,
                           const char *host,
                           const char *addr,
                           StoreFenced *ret_fenced,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreClaimInfo, store_claim_info_free)

#endif
