/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/others.h - who else has a volume open, and whether it is flattened
 *
 * Threads:  any; blocks. Of this room.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_OTHERS_H
#define REMORA_AGENT_RBD_VOLUME_OTHERS_H

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/image/look.h"

typedef struct {
    bool
        flattening; /* a mark says that it is to have no parent, and it has one */
    bool watched;   /* by somebody whom that mark does not name */
    bool lockless; /* it has no exclusive lock */
    bool task;     /* who watches may be the manager: it has a task for it */
    bool at_work;  /* and works on that */
} StoreOthers;

/* Takes out of look->watchers who is known only to flatten it. The manager is asked
 * only if there is one watcher left, of one that is to be flattened. Returns
 * librbd's number. */
int store_others_read(StoreConn *conn,
                      rados_ioctx_t io,
                      const char *pool,
                      const char *volume,
                      StoreLook *look,
                      StoreOthers *ret_others);

#endif
