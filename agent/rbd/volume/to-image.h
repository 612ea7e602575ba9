/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/to-image.h - an image is made of a volume
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_TO_IMAGE_H
#define REMORA_AGENT_RBD_VOLUME_TO_IMAGE_H

#include "agent/rbd/volume/clone.h"

/* Makes an image of the content that a volume has now, or of one of its snapshots,
 * without a copy over this host: a clone in the pool for images, flattened there,
 * with a protected snapshot 'snap', as Glance's are. A volume may be open meanwhile.
 * After a failure nothing is left, unless the error says so, or ret_left, as of
 * store_volume_clone(). */
gboolean store_volume_to_image(StoreCluster *cluster,
                               const char *pool,
                               const char *image,
                               const StoreVolumeOrigin *from,
                               guint64 *ret_size,
                               GError **ret_left,
                               GError **error);

#endif
