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
 * goes to the trash, and a removal that was cut short is finished; all else
 * stays. */
gboolean store_clear_way(StoreConn *conn,
                         const char *pool,
                         const char *image,
                         GError **error);
/* The second half of that alone; *ret_any: there was one. */
gboolean store_finish_removals(StoreConn *conn,
                               const char *pool,
                               const char *image,
                               bool *ret_any,
                               GError **error);

#endif
