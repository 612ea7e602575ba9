/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/clear-way.h - what a dead maker of an image left goes
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_CLEAR_WAY_H
#define REMORA_AGENT_RBD_DISK_CLEAR_WAY_H

#include <glib.h>
#include <stdbool.h>

typedef struct StoreConn StoreConn;

/* Under the image's claim, taken over from one that is dead. What is half-made
 * goes to the trash, or if it was to be made of a disk, with the snapshot of that for
 * good (passing.h); and a removal that was cut short is finished; all else
 * stays. */
gboolean store_clear_way(StoreConn *conn,
                         const char *pool,
                         const char *image,
                         GError **error);
/* Of an image that was to be made of a disk that alone; all others stay. */
gboolean store_clear_clone(StoreConn *conn,
                           const char *pool,
                           const char *image,
                           GError **error);

/* The last of these alone; *ret_any: there was one. */
gboolean store_finish_removals(StoreConn *conn,
                               const char *pool,
                               const char *image,
                               bool *ret_any,
                               GError **error);

#endif
