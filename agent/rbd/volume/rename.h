/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/rename.h - an image becomes a volume, and a volume an image
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_RENAME_H
#define REMORA_AGENT_RBD_VOLUME_RENAME_H

#include "agent/rbd/conn/cluster.h"

/* Gives an image of the pool another name there, under the claims of both names;
 * no data is copied. What says in its metadata that it was made for a guest goes.
 * Cut short, the same call once more completes it. Neither may be open; to must not
 * be there: STORE_ERROR_BUSY. */
gboolean store_volume_rename(StoreCluster *cluster,
                             const char *pool,
                             const char *from,
                             const char *to,
                             GError **error);

#endif
