/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/purge.h - the trash is purged, volumes with what was made for them
 *
 * Threads:  any; it blocks, for as long as it takes.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_PURGE_H
#define REMORA_AGENT_RBD_VOLUME_PURGE_H

#include "agent/rbd/image/purge.h"

/* store_trash_purge(), and with the clone of a volume goes the snapshot that was made
 * for it alone. Where that goes only after the clone, as one of format 1, the clone is
 * removed by this process. how->behind is not looked at. */
GPtrArray *store_volume_purge(StoreCluster *cluster,
                              const char *pool,
                              const StorePurgeHow *how,
                              GError **error);

#endif
