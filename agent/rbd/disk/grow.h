/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/grow.h - the short way from a new clone to a disk
 *
 * Threads: any; it blocks. Under the disk's claim only, and only for a clone
 * that this very build has just made.
 */
#ifndef REMORA_AGENT_RBD_DISK_GROW_H
#define REMORA_AGENT_RBD_DISK_GROW_H

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/disk/disk.h"
#include "agent/rbd/image/parent.h"

typedef enum {
    STORE_GROW_DONE,         /* it has its size and its mark */
    STORE_GROW_OTHER_PARENT, /* nothing is written: not what was looked at */
    STORE_GROW_NEEDS_LIBRBD, /* it has no mark; open it */
} StoreGrowEnd;

/* size: not below the parent's. librados' number; ret_end only if not below 0. */
int store_grow_new(StoreConn *conn,
                   rados_ioctx_t io,
                   const StoreDisk *disk,
                   const StoreFound *parent,
                   guint64 size,
                   StoreGrowEnd *ret_end);

#endif
