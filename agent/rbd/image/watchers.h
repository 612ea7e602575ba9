/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/watchers.h - who has an image open?
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_WATCHERS_H
#define REMORA_AGENT_RBD_IMAGE_WATCHERS_H

#include "agent/rbd/conn/cluster.h"

typedef struct StoreConn StoreConn;

#define STORE_WATCHERS_MAX 4096u

/* The addresses ('127.0.0.1:0/543054283') of the clients that watch the
 * image, which is everyone who has it open for writing; a killed client's
 * watch stays for up to a minute. NULL-terminated; g_strfreev() it. More than
 * STORE_WATCHERS_MAX are STORE_ERROR_BUSY. Blocks. */
char **store_watchers(StoreCluster *cluster,
                      const char *pool,
                      const char *image,
                      GError **error);

/* handle: an rbd_image_t. Returns librbd's number. */
int
store_watchers_read(gpointer handle, char ***ret_addresses, bool *ret_crowded);
/* For who must know them all. */
gboolean
store_watchers_refuse(const char *pool, const char *image, GError **error);
/* For the claim: the addresses of those who have the image open, but for who is
 * known only to flatten it; none if there is no such image. NULL: an error. */
char **store_watchers_of(StoreConn *conn,
                         const char *pool,
                         const char *image,
                         GError **error);

#endif
