/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/claim/object.h - a claim's object beside the image, in the cluster
 *
 * All functions return librados' number. A claim that is not (any more) as
 * expected answers -ECANCELED, one that is gone -ENOENT. All block.
 */
#ifndef REMORA_AGENT_RBD_CLAIM_OBJECT_H
#define REMORA_AGENT_RBD_CLAIM_OBJECT_H

#include "agent/rbd/claim/record.h"

#include <rados/librados.h>

typedef struct StoreConn StoreConn;

typedef struct {
    char *text; /* the attribute that each change compares */
    char *beat; /* while it is built under; else what is left of it, or "" */
    StoreRecord *record;
} StoreClaimSeen;

void store_claim_seen_clear(StoreClaimSeen *seen);
/* Nothing has been seen: a claim that is not there. */
bool store_claim_seen_none(const StoreClaimSeen *seen);

/* -EEXIST: there is one. */
int store_claim_create(StoreConn *conn,
                       const char *pool,
                       const char *image,
                       const char *text);
/* -EINVAL: it cannot be read, as one of a later version. */
int store_claim_read(StoreConn *conn,
                     const char *pool,
                     const char *image,
                     StoreClaimSeen *ret_seen);
/* The same of n images of a pool, many at a time: a number for each. */
void store_claims_read(rados_ioctx_t io,
                       const char *const *images,
                       guint n,
                       StoreClaimSeen *ret_seen,
                       int *ret_r);
/* Puts text in the place of what was seen, its beat included. */
int store_claim_swap(StoreConn *conn,
                     const char *pool,
                     const char *image,
                     const StoreClaimSeen *seen,
                     const char *text);
/* The same for who wrote it, whatever the beat is by now. */
int store_claim_change(StoreConn *conn,
                       const char *pool,
                       const char *image,
                       const char *before,
                       const char *text);
int store_claim_remove(StoreConn *conn,
                       const char *pool,
                       const char *image,
                       const StoreClaimSeen *seen);
int store_claim_remove_own(StoreConn *conn,
                           const char *pool,
                           const char *image,
                           const char *text);
/* Begins a touch, and waits for nothing: *ret_touch is the caller's, to be
 * waited for and released before conn goes. */
int store_claim_touch_begin(StoreConn *conn,
                            const char *pool,
                            const char *image,
                            const char *text,
                            guint64 beat,
                            rados_completion_t *ret_touch);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreClaimSeen, store_claim_seen_clear)

#endif
