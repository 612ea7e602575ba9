/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/claimed.h - a volume under its claim, while something is done
 *
 * Threads:  any; blocks. Of this room.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_CLAIMED_H
#define REMORA_AGENT_RBD_VOLUME_CLAIMED_H

#include "agent/rbd/claim/claim.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/volume/verdict.h"

typedef struct {
    StoreConn *conn; /* a reference */
    StoreIo io;
    const char *pool;   /* borrowed, as is the next */
    const char *volume; /* the image's name */
    StoreClaim *claim;  /* NULL: the pool is full, and nobody has it */
    StoreLook look;
    StoreClaimedState state;
    bool dead;       /* the claim was a dead one's */
    bool flattening; /* whatever state says: a mark says that it is to have no
                      * parent, and it has one */
    bool keeps;      /* the claim says that the image is half-made, and stays */
} StoreClaimed;

/* Takes the claim and looks at the image; ret_claimed->state says how it stands,
 * which is no error. makes: it will be made if it is not there. */
gboolean store_volume_claim(StoreCluster *cluster,
                            const char *pool,
                            const char *volume,
                            bool makes,
                            StoreClaimed *ret_claimed,
                            GError **error);
/* FALSE: it is not whole, or in use. */
gboolean store_claimed_check(const StoreClaimed *claimed, GError **error);
/* The mark that it is to be flattened goes, as far as it can. */
void store_claimed_forget_flatten(const StoreClaimed *claimed);
/* Of one that is to go, and that nothing else keeps: if the cluster flattens it, that
 * ends, and the mark goes; it is looked at again, and its state may be another then. */
gboolean store_claimed_end_flatten(StoreClaimed *claimed, GError **error);
/* Both, for who only works on what is whole; nothing is claimed after FALSE. */
gboolean store_volume_claim_whole(StoreCluster *cluster,
                                  const char *pool,
                                  const char *volume,
                                  StoreClaimed *ret_claimed,
                                  GError **error);
/* What was made under it is whole from now on, whatever becomes of the claim. */
gboolean store_claimed_made(StoreClaimed *claimed, GError **error);
/* Before more of it is written: FALSE, its pool is full, or that of its data. */
gboolean store_claimed_space(const StoreClaimed *claimed, GError **error);
/* The same before it is made; data_pool: where its data is asked to go, and other,
 * what else is written to; or NULL. */
gboolean store_claimed_space_for(const StoreClaimed *claimed,
                                 const char *data_pool,
                                 const char *other,
                                 GError **error);
/* Gives the claim up, but leaves a half-made image under it, for it says so.
 * why: what went wrong, which becomes error, or NULL. Gives whether nothing did. */
gboolean
store_volume_unclaim(StoreClaimed *claimed, GError *why, GError **error);
/* Before it is made: what a dead maker left goes; FALSE: it is there. */
gboolean store_claimed_free_name(StoreClaimed *claimed, GError **error);
/* What was made in vain goes to the trash, if it may still be written to; else its
 * claim stays with it. */
void store_claimed_unmake(StoreClaimed *claimed, const GError *why);

#endif
