/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/clone.h - the short way to a disk
 *
 * Threads: any; it blocks. Under the disk's claim only.
 */
#ifndef REMORA_AGENT_RBD_DISK_CLONE_H
#define REMORA_AGENT_RBD_DISK_CLONE_H

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/disk/clone-plan.h"
#include "agent/rbd/disk/disk.h"
#include "agent/rbd/image/parent.h"

/* A clone of disk->parent, which is what parent says; size: not below the parent's.
 * Returns librados' number. Below 0, with STORE_CLONE_LEFT something has the name; it
 * may still arrive, or be marked, only if that is -ETIMEDOUT. Nothing is left of it at
 * any other end than that and STORE_CLONE_DONE. */
int store_clone_direct(StoreConn *conn,
                       const StoreDisk *disk,
                       const StoreFound *parent,
                       guint64 size,
                       StoreCloneEnd *ret_end);

#endif
