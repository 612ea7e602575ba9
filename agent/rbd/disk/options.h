/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/options.h - of what kind a new image is, and why librbd will not
 * make one so
 *
 * Threads: any; those that take a connection block.
 */
#ifndef REMORA_AGENT_RBD_DISK_OPTIONS_H
#define REMORA_AGENT_RBD_DISK_OPTIONS_H

#include "agent/rbd/disk/disk.h"

#include <rbd/librbd.h>

typedef struct StoreConn StoreConn;

/* Returns librbd's number. parent_object_size: 0 where there is no parent. */
int store_new_options(rbd_image_options_t options,
                      const StoreSettings *own,
                      guint64 parent_object_size);
/* Before an image is made: whether the data pool is there, or none is wanted.
 * Returns librados' number. */
int store_new_find_pool(StoreConn *conn);
/* What an operator can do about r, which making an image returned; NULL: nothing
 * about the options. no_pool: the data pool does not exist. Pure. g_free() it. */
char *store_new_advice(int r, const StoreSettings *own, bool no_pool);
/* Always FALSE: what could not be made, and why. */
gboolean
store_new_fail(StoreConn *conn, int r, GError **error, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

#endif
