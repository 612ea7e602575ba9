/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/passing.h - the snapshot by which a disk becomes an image
 *
 * Its name says which image it is for, so that whoever finds one can tell by
 * that image's claim whether somebody is at work on it still.
 *
 * Threads:  any; what takes a connection blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_PASSING_H
#define REMORA_AGENT_RBD_DISK_PASSING_H

#include "agent/rbd/image/look.h"

typedef struct StoreConn StoreConn;

/* Its name. Pure; g_free() it. */
char *store_passing_name(const char *pool, const char *id);
/* For which image a snapshot of that name is; FALSE: for none. Pure; g_free()
 * both. */
gboolean store_passing_parse(const char *snap, char **ret_pool, char **ret_id);

/* Of which disk an image is made that is not whole: 'pool/image', in a namespace
 * 'pool/namespace/image'; NULL: of none. By what it says, or by its parent, which is
 * such a snapshot for this very image. g_free() it. Pure. */
char *
store_passing_disk(const StoreLook *look, const char *pool, const char *id);

/* Removes that of the image from the disk; that it is not there is no error.
 * disk: as store_passing_disk() gives it. */
gboolean store_passing_remove(StoreConn *conn,
                              const char *disk,
                              const char *pool,
                              const char *id,
                              GError **error);
/* The names of all of a disk's, g_strfreev() it: whoever is at work on them may be
 * dead. */
char **store_passing_list(StoreConn *conn, const char *disk, GError **error);

#endif
