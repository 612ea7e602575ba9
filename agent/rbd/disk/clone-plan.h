/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/clone-plan.h - what a new clone is to be, and how the OSDs are told
 *
 * The arguments and answers of the methods that make one (class.h has how they are
 * called), and what is decided before anything is written. Pure.
 *
 * How librbd decides the same is in its CloneRequest.cc and CreateRequest.cc
 * (src/librbd/image).
 */
#ifndef REMORA_AGENT_RBD_DISK_CLONE_PLAN_H
#define REMORA_AGENT_RBD_DISK_CLONE_PLAN_H

#include "agent/rbd/image/coded.h"

/* ---- the plan ------------------------------------------------------------------ */

/* What is known before. */
typedef struct {
    guint64 features;        /* that are asked for; 0: as the parent's */
    guint64 parent_features; /* of the image, not of the snapshot */
    guint64 parent_ops;      /* its features of operations */
    guint64 object_size;     /* bytes */
    guint64 size;            /* bytes, not below the parent's */
    bool elsewhere;          /* its data are in another pool */
} StoreCloneFacts;

typedef struct {
    guint64 size;
    guint order; /* of the object size, 2^order bytes */
    guint64 features;
    bool map;            /* it gets an object map, */
    guint64 map_objects; /* of so many objects */
} StoreClonePlan;

/* FALSE: this is for librbd, which does it, or says why it cannot be. */
bool store_clone_plan(const StoreCloneFacts *facts, StoreClonePlan *ret_plan);

/* How it ends, or whether it can begin. */
typedef enum {
    STORE_CLONE_DONE,         /* it is there, has its size and its mark */
    STORE_CLONE_EXISTS,       /* the name is taken */
    STORE_CLONE_OTHER_PARENT, /* its parent is not what was looked at any more */
    STORE_CLONE_NEEDS_LIBRBD, /* to make it, or to say why it cannot be */
    STORE_CLONE_LEFT,         /* it failed, and something of it has the name */
} StoreCloneEnd;

/* ---- arguments; g_byte_array_unref() them -------------------------------------- */

/* 'dir_add_image' and 'dir_remove_image' */
GByteArray *store_clone_arg_name(const char *name, const char *id);
/* 'create'. prefix: of the names of its objects; data_pool: -1: its own. */
GByteArray *store_clone_arg_create(const StoreClonePlan *plan,
                                   const char *prefix,
                                   gint64 data_pool);

/* One of a pool's images, or of a namespace's ("": none). */
typedef struct {
    gint64 pool;
    const char *space;
    const char *id;
} StoreCloneImage;

/* 'parent_attach': of the parent's snapshot, the first bytes. */
GByteArray *store_clone_arg_parent(const StoreCloneImage *parent,
                                   guint64 snap,
                                   guint64 overlap);
/* 'child_attach': a child of this snapshot. */
GByteArray *store_clone_arg_child(guint64 snap, const StoreCloneImage *child);
/* 'op_features_set': it is a child of the second format. */
GByteArray *store_clone_arg_ops(void);
/* 'object_map_resize': new objects do not exist. */
GByteArray *store_clone_arg_objects(guint64 objects);
/* 'metadata_list': of all keys behind this one, up to STORE_CLONE_KEYS. */
#define STORE_CLONE_KEYS 64u
GByteArray *store_clone_arg_list(const char *behind);

/* ---- answers; false: not understood. What is behind the known is left alone ----- */

/* Of 'get_features' and 'op_features_get': the first number. */
bool store_clone_read_number(StoreCoded answer, guint64 *ret);
/* Of 'metadata_list': how many keys there are, and whether one begins so. */
bool store_clone_read_list(StoreCoded answer,
                           const char *prefix,
                           guint *ret_keys,
                           bool *ret_found);

#endif
