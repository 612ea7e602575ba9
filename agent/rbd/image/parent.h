/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/parent.h - can this snapshot be cloned?
 *
 * Threads:  any; what connects blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_PARENT_H
#define REMORA_AGENT_RBD_IMAGE_PARENT_H

#include "agent/rbd/conn/cluster.h"
#include "agent/rbd/image/header.h"

typedef struct StoreConn StoreConn;

typedef struct {
    const char *pool;
    const char *image; /* in a namespace of RBD: 'namespace/image' */
    const char *snap;
} StoreParent;

/* What is known of a parent. */
typedef struct {
    char id[128];
    guint64 snap_id;
    guint64 size;
    guint64 object_size;
    const char *format; /* NULL: raw; of store_format_sniff() */
    StoreHeader header; /* what is in it, if it is not raw */
    guint depth;        /* so many parents it has */
} StoreFound;

/* From memory, or by a look. */
gboolean store_parent_look(StoreConn *conn,
                           const StoreParent *parent,
                           StoreFound *ret_found,
                           GError **error);
/* The same, and refuses what is not raw. */
gboolean store_parent_find(StoreConn *conn,
                           const StoreParent *parent,
                           StoreFound *ret_found,
                           GError **error);
void store_parent_forget(StoreCluster *cluster, const StoreParent *parent);

#endif
