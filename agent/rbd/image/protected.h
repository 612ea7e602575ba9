/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/protected.h - is it an image that Glance keeps?
 *
 * Threads:  any; it blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_PROTECTED_H
#define REMORA_AGENT_RBD_IMAGE_PROTECTED_H

#include "agent/rbd/conn/cluster.h"

/* The name of a protected snapshot that it has, as Glance's images have for their
 * clones; but not of one that Cinder made of a volume. NULL: there is none, or that
 * cannot be known. g_free() it. Blocks. */
char *store_image_protected(StoreCluster *cluster,
                            const char *pool,
                            const char *image);

#endif
