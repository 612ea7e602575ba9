/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/flatten-cancel.h - the manager leaves off to flatten an image
 *
 * Threads:  any; it blocks, for 10 s, or for as long as the manager may take to
 * answer if that is longer.
 */
#ifndef REMORA_AGENT_RBD_DISK_FLATTEN_CANCEL_H
#define REMORA_AGENT_RBD_DISK_FLATTEN_CANCEL_H

#include "agent/rbd/conn/connection.h"

typedef enum {
    STORE_CANCEL_NONE, /* it has no task for it, or no queue, and nobody has the
                        * image open */
    STORE_CANCEL_BARRED,  /* this user may not ask, and so has given it none */
    STORE_CANCEL_UNKNOWN, /* it does not answer, or somebody has it open still */
    STORE_CANCEL_AGAIN,   /* not yet; store_flatten_cancel() never says so */
} StoreCancel;

/* Takes it out of the manager's queue, and waits until nobody has it open any more.
 * id: the image's. Only after STORE_CANCEL_NONE nobody goes on. */
StoreCancel store_flatten_cancel(StoreConn *conn,
                                 const char *pool,
                                 const char *image,
                                 const char *id);
/* r: what the manager answered, as librados' number. task: it had one. open:
 * somebody has the image open, or nobody knows. Pure. */
StoreCancel store_flatten_cancel_verdict(int r, bool task, bool open);

#endif
