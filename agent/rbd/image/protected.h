/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/protected.h - is it an image that Glance keeps?
 *
 * Threads:  any; it blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_PROTECTED_H
#define REMORA_AGENT_RBD_IMAGE_PROTECTED_H

#include "agent/rbd/conn/cluster.h"

/* Whether it has the protected snapshot 'snap', as what Glance keeps for clones;
 * false also where that cannot be known. Blocks. */
bool store_image_is_protected(StoreCluster *cluster,
                              const char *pool,
                              const char *image);

#endif
