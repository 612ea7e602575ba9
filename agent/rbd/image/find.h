/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/find.h - in which pool is an image?
 *
 * Threads:  any; it blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_FIND_H
#define REMORA_AGENT_RBD_IMAGE_FIND_H

#include "agent/rbd/conn/cluster.h"

/* The first of the pools (NULL-terminated) that has an image of that name;
 * g_free() it. A pool that does not exist is skipped. NULL with
 * STORE_ERROR_MISSING when none has it. Blocks, for one round trip a pool. */
char *store_find_image(StoreCluster *cluster,
                       const char *const *pools,
                       const char *image,
                       GError **error);

#endif
