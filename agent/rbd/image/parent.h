/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/parent.h - can this snapshot be cloned?
 *
 * Threads:  any; what connects blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_PARENT_H
#define REMORA_AGENT_RBD_IMAGE_PARENT_H

#include "agent/rbd/conn/cluster.h"

typedef struct StoreConn StoreConn;

typedef struct {
    const char *pool;
    const char *image; /* in a namespace of RBD: 'namespace/image' */
    const char *snap;
} StoreParent;

typedef struct {
    guint64 size;
    guint64 object_size;
} StoreParentInfo;

/* Whether a snapshot can be cloned: it is there, and its content is raw. What
 * was found once is remembered under the image's own id. Blocks. */
gboolean store_parent_check(StoreCluster *cluster,
                            const StoreParent *parent,
                            StoreParentInfo *ret_info,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What is known of a parent. */
typedef struct {
    char id[128];
    guint64 snap_id;
    guint64 size;
    guint64 object_size;
} StoreFound;

/* From memory, or by a look that also refuses what is not raw. */
gboolean store_parent_find(StoreConn *conn,
                           const StoreParent *parent,
                           StoreFound *ret_found,
                           GError **error);
void store_parent_forget(StoreCluster *cluster, const StoreParent *parent);

#endif
