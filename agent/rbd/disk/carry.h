/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/carry.h - what the verdict says is carried out
 *
 * Threads: any; store_carry_out() blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_CARRY_H
#define REMORA_AGENT_RBD_DISK_CARRY_H

#include "agent/rbd/disk/verdict.h"
#include "agent/rbd/image/look.h"

/* One request for one disk. */
typedef struct {
    StoreConn *conn;
    const StoreDisk *disk;
    StoreResult *result;
    StoreClaim *claim;   /* NULL: nobody writes */
    bool dead_builder;   /* the claim was taken over */
    bool settled;        /* what was left is no longer to be judged */
    bool absent;         /* a moment before the claim there was nothing */
    const char *watcher; /* who has it open and may not; or NULL */
    GString *done;       /* what was put right, for the log; or NULL */
} StoreCarry;

/* Adds to what was put right. */
void store_carry_note(StoreCarry *carry, const char *format, ...)
    G_GNUC_PRINTF(2, 3);
/* look: what the verdict was about; NULL for STORE_DO_BUILD. ret_done: the disk
 * is ready; else it is to be looked at again. */
gboolean store_carry_out(StoreCarry *carry,
                         StoreDo what,
                         const StoreLook *look,
                         bool *ret_done,
                         GError **error);

#endif
