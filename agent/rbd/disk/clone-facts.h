/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/clone-facts.h - what is asked before a clone is made the short way
 *
 * Whether its parent is still what was looked at, and whether pool, parent and
 * configuration are as plain as they have to be: all at once, and before anything
 * is written.
 *
 * Threads: any; it blocks.
 */
#ifndef REMORA_AGENT_RBD_DISK_CLONE_FACTS_H
#define REMORA_AGENT_RBD_DISK_CLONE_FACTS_H

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/disk/clone-plan.h"
#include "agent/rbd/disk/disk.h"
#include "agent/rbd/image/parent.h"

/* One that is made. clone.c owns what is in it. */
typedef struct {
    StoreConn *conn;
    const StoreDisk *disk;
    const StoreFound *parent;
    StoreIo io;      /* the disk's pool */
    StoreIo from;    /* the parent's, and its namespace, */
    char space[256]; /* of this name */
    const char *parent_name;
    StoreClonePlan plan;
    gint64 data_pool;      /* -1: the disk's own */
    GByteArray *inherited; /* metadata, as 'metadata_set' takes them; or NULL */
    char *id;
    char *id_object; /* of its name */
    char *header;
    char *map;
    bool has_header; /* that is written, */
    bool has_map;
    bool is_child;  /* and its parent knows of it; */
    bool is_orphan; /* or has no such snapshot */
} StoreClone;

/* STORE_CLONE_DONE: it can be made, and plan, data_pool and inherited are known.
 * size: as store_clone_direct()'s. Returns librados' number. */
int store_clone_prepare(StoreClone *clone,
                        guint64 size,
                        StoreCloneEnd *ret_end) G_GNUC_WARN_UNUSED_RESULT;

#endif
