/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/pool-space.h - is there space in the pools?
 *
 * Before anything is made: a full pool keeps writes back and says nothing. A pool
 * that is nearly full has space.
 *
 * Threads:  any; all but the pure one block.
 */
#ifndef REMORA_AGENT_RBD_DISK_POOL_SPACE_H
#define REMORA_AGENT_RBD_DISK_POOL_SPACE_H

#include <glib.h>

typedef struct StoreConn StoreConn;

/* The first of n pools, of which any may be NULL, that has no space, and what a
 * write to it would be told; NULL: all have, or a monitor does not say. */
const char *store_pools_full(StoreConn *conn,
                             const char *const *pools,
                             gsize n,
                             int *ret_r);
/* The same in words: STORE_ERROR_FULL. */
gboolean store_pools_check_space(StoreConn *conn,
                                 const char *const *pools,
                                 gsize n,
                                 GError **error);
gboolean
store_pool_check_space(StoreConn *conn, const char *pool, GError **error);
/* For a start: by an answer of the last few seconds, and a monitor that has to be
 * asked is waited for half a second. 0: there is space, as far as is known. */
int store_pool_space_cached(StoreConn *conn, const char *pool);

/* Where the data of a new image will be, if not in its own pool; wanted: what was
 * asked for, or NULL. */
char *store_new_data_pool(StoreConn *conn, const char *wanted);
/* Where that of an image in pool is, if not there; handle is an rbd_image_t. */
char *store_data_pool(StoreConn *conn, gpointer handle, const char *pool);

/* What a write to the pool would be told, by the text that 'osd dump' gives: 0,
 * -EDQUOT or -ENOSPC. Pure. */
int store_pool_space(const char *json, gsize len, const char *pool);

#endif
