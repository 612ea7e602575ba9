/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/depth.h - on how many volumes does an image stand?
 *
 * Threads:  any; blocks. Of this room.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_DEPTH_H
#define REMORA_AGENT_RBD_VOLUME_DEPTH_H

#include <glib.h>

typedef struct StoreConn StoreConn;

/* Counts, wherever they are, the trash included, its ancestors that are, or were,
 * volumes; images that others are made of do not count, as with Cinder. handle is
 * an rbd_image_t. librbd's number. */
int store_depth(StoreConn *conn, gpointer handle, guint *ret_depth);

#endif
