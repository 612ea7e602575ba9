/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/capacity.h - how full are the pools?
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_CAPACITY_H
#define REMORA_AGENT_RBD_IMAGE_CAPACITY_H

#include "agent/rbd/conn/cluster.h"

/* How full a pool is, in bytes. */
typedef struct {
    char *name;
    guint64 used;  /* stored, without the copies that are made of it */
    guint64 free;  /* what can still be stored: space, and quota */
    guint64 total; /* both */
    guint64 quota; /* 0: none */
    bool counted;  /* what follows is known */
    guint64 images;
    guint64 provisioned; /* the sizes of the images */
    guint64 trash;       /* of those in the trash */
} StorePool;

void store_pool_free(StorePool *pool);
/* Of StorePool, for each name, in that order; g_ptr_array_unref() it.
 * STORE_ERROR_MISSING: one is not there. Blocks, some milliseconds an image. */
GPtrArray *store_pools_read(StoreCluster *cluster,
                            const char *const *names,
                            GError **error);
/* From what 'df detail' answers; nothing is counted. Pure. */
GPtrArray *store_pools_parse(const char *json, gsize len, GError **error);

#endif
