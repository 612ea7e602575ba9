/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/export.h - a volume's bytes into a file or a pipe
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_EXPORT_H
#define REMORA_AGENT_RBD_VOLUME_EXPORT_H

#include "agent/rbd/image/export.h"

/* Writes the content that a volume has now, or that of one of its snapshots. A
 * volume may be open meanwhile: what is read is a snapshot, made for that and removed
 * again. ret_left: set if that snapshot is still there, however the rest ended: why,
 * and what removes it. */
gboolean store_volume_export(StoreCluster *cluster,
                             const char *pool,
                             const char *name,
                             const char *snap,
                             const StoreImageTarget *target,
                             guint64 *ret_size,
                             GError **ret_left,
                             GError **error);

#endif
