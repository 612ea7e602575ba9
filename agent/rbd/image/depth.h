/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/depth.h - how many parents stand one above another
 *
 * Threads: any; store_depth() blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_DEPTH_H
#define REMORA_AGENT_RBD_IMAGE_DEPTH_H

#include "agent/rbd/conn/cluster.h"

typedef struct StoreConn StoreConn;

/* So far it is counted. */
#define STORE_DEPTH_MAX 64u

/* Of the image or the snapshot that handle, an rbd_image_t, shows: its ancestors,
 * wherever they are, the trash included, whose names begin with prefix. */
guint store_depth(StoreConn *conn, gpointer handle, const char *prefix);
/* Whether a new clone whose parent has so many parents is to be flattened. Pure. */
bool store_depth_is_too_much(const StoreSettings *own, guint of_parent);

#endif
