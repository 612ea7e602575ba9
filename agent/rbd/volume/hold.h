/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/hold.h - a volume under its claim, while something is done
 *
 * Threads:  any; blocks. Of this room.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_HOLD_H
#define REMORA_AGENT_RBD_VOLUME_HOLD_H

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
    StoreHeld held;
    bool dead;       /* the claim was a dead one's */
    bool flattening; /* whatever held says: a mark says that it is to have no
                      * parent, and it has one */
    bool keeps;      /* the claim says that the image is half-made, and stays */
} StoreHold;

/* Takes the claim and looks at the image; ret_hold->held says how it stands,
 * which is no error. makes: it will be made if it is not there. */
gboolean store_hold(StoreCluster *cluster,
                    const char *pool,
                    const char *volume,
                    bool makes,
                    StoreHold *ret_hold,
                    GError **error);
/* FALSE: it is not whole, or in use. */
gboolean store_hold_check(const StoreHold *hold, GError **error);
/* The mark that it is to be flattened goes, as far as it can. */
void store_hold_forget_flatten(const StoreHold *hold);
/* Of one that is to go, and that nothing else keeps: if the cluster flattens it, that
 * ends, and the mark goes; it is looked at again, and may be held otherwise then. */
gboolean store_hold_end_flatten(StoreHold *hold, GError **error);
/* Both, for who only works on what is whole; nothing is held after FALSE. */
gboolean store_hold_whole(StoreCluster *cluster,
                          const char *pool,
                          const char *volume,
                          StoreHold *ret_hold,
                          GError **error);
/* What was made under it is whole from now on, whatever becomes of the claim. */
gboolean store_hold_made(StoreHold *hold, GError **error);
/* Before more of it is written: FALSE, its pool is full, or that of its data. */
gboolean store_hold_room(const StoreHold *hold, GError **error);
/* The same before it is made; data_pool: where its data is asked to go, and other,
 * what else is written to; or NULL. */
gboolean store_hold_room_for(const StoreHold *hold,
                             const char *data_pool,
                             const char *other,
                             GError **error);
/* Gives the claim up, but leaves a half-made image under it, for it says so.
 * why: what went wrong, which becomes error, or NULL. Gives whether nothing did. */
gboolean store_hold_end(StoreHold *hold, GError *why, GError **error);
/* Before it is made: what a dead maker left goes; FALSE: it is there. */
gboolean store_hold_free_name(StoreHold *hold, GError **error);
/* What was made in vain goes to the trash, if it may still be written to; else its
 * claim stays with it. */
void store_hold_unmake(StoreHold *hold, const GError *why);

#endif
