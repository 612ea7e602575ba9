/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/resize.h - a volume gets another size
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_RESIZE_H
#define REMORA_AGENT_RBD_VOLUME_RESIZE_H

#include "agent/rbd/conn/cluster.h"
#include "agent/rbd/image/source.h"

#include <stdbool.h>

/* A smaller one only with may_shrink: what lies behind it is lost then.
 * ret_before: its size until then. */
gboolean store_volume_resize(StoreCluster *cluster,
                             const char *pool,
                             const char *name,
                             guint64 size,
                             bool may_shrink,
                             StoreProgress progress,
                             gpointer data,
                             guint64 *ret_before,
                             GError **error);

#endif
