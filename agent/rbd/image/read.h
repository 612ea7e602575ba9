/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/read.h - a snapshot's bytes
 *
 * Threads:  any, several at once; everything blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_READ_H
#define REMORA_AGENT_RBD_IMAGE_READ_H

#include "agent/rbd/image/parent.h"

typedef struct StoreReading StoreReading;

/* Of what was found at that name, whatever has the name now. Only reads, so that
 * it can be in a pool that may not be written to. */
StoreReading *store_reading_new(StoreCluster *cluster,
                                const StoreParent *parent,
                                const StoreFound *found,
                                GError **error);
void store_reading_free(StoreReading *reading);
guint64 store_reading_size(const StoreReading *reading);
/* Of StoreExtent, in their order: where the snapshot may hold something else than
 * zeroes. g_array_unref() it. */
typedef struct {
    guint64 offset;
    guint64 len;
} StoreExtent;
GArray *store_reading_extents(StoreReading *reading, GError **error);
/* What is behind the end reads as zeroes. */
gboolean store_reading_read(StoreReading *reading,
                            guint64 offset,
                            gpointer buffer,
                            gsize len,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreReading, store_reading_free)

#endif
