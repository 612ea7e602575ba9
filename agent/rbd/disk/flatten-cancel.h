/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/flatten-cancel.h - the manager leaves off to flatten an image
 *
 * Threads:  any; it blocks, for some seconds.
 */
#ifndef REMORA_AGENT_RBD_DISK_FLATTEN_CANCEL_H
#define REMORA_AGENT_RBD_DISK_FLATTEN_CANCEL_H

#include "agent/rbd/conn/connection.h"

/* Before it is removed: takes it out of the manager's queue, and waits until nobody
 * has it open any more, not for long. id: the image's. */
void store_flatten_cancel(StoreConn *conn,
                          const char *pool,
                          const char *image,
                          const char *id);

#endif
