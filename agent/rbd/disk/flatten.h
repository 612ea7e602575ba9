/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/flatten.h - a disk gets a copy of what it shares with its parents
 *
 * By the cluster's own task queue (ceph-mgr), or here if that cannot, or does not
 * get on. The disk may be in use meanwhile. It can be ended at any moment, and
 * whoever comes next goes on.
 *
 * Threads:  any; it blocks, for as long as it takes.
 */
#ifndef REMORA_AGENT_RBD_DISK_FLATTEN_H
#define REMORA_AGENT_RBD_DISK_FLATTEN_H

#include "agent/rbd/conn/cluster.h"

typedef enum {
    STORE_FLATTENED,
    STORE_FLATTEN_NOT_WANTED, /* or it has no parent; nothing was done */
    STORE_FLATTEN_LEFT,       /* somebody cancelled the manager's task */
    STORE_FLATTEN_QUEUED,     /* the manager has it in its queue, and goes on */
    STORE_FLATTEN_STOPPED,    /* by 'stopped', and nobody goes on */
} StoreFlattenEnd;

typedef struct {
    bool any;      /* also one that no mark asks for */
    bool here;     /* do not ask the manager */
    bool no_wait;  /* that the manager has it in its queue is enough */
    bool full_try; /* on a full pool it fails, and does not wait for space */
    /* From any thread; each may be NULL. share is 0 to 1. */
    void (*progress)(double share, bool by_manager, gpointer data);
    /* What is done, and why, as one line. */
    void (*say)(const char *text, gpointer data);
    /* Whether to end as soon as possible. */
    bool (*stopped)(gpointer data);
    gpointer data;
} StoreFlattenHow;

gboolean store_flatten(StoreCluster *cluster,
                       const char *pool,
                       const char *image,
                       const StoreFlattenHow *how,
                       StoreFlattenEnd *ret_end,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whether the client addr, which has the image open, does only that: then it is in
 * nobody's way. May ask the manager. */
bool store_flattens(StoreCluster *cluster,
                    const char *pool,
                    const char *image,
                    const char *addr);

#endif
