/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/header.h - what is said to a clone's header as it grows, and how
 * it grows
 *
 * The arguments and answers of the methods that are called for that (class.h has
 * how), and what is decided by them. Pure.
 */
#ifndef REMORA_AGENT_RBD_DISK_HEADER_H
#define REMORA_AGENT_RBD_DISK_HEADER_H

#include "agent/rbd/image/coded.h"

/* What growing has to know. */
typedef struct {
    guint64 size;
    guint order; /* of the object size, 2^order bytes */
    guint64 features;
    guint64 op_features;
    guint64 flags;
    char parent[128]; /* the image's id; "": it has none */
    guint64 parent_snap;
} StoreCloneHeader;

/* Arguments. 'get_size' and 'get_flags': of the image itself, no snapshot. */
GByteArray *store_header_arg_head(void);
/* 'get_features': for who will write. */
GByteArray *store_header_arg_features(void);
/* 'object_map_resize': new objects do not exist. */
GByteArray *store_header_arg_objects(guint64 objects);
/* 'metadata_set': of one key. */
GByteArray *store_header_arg_metadata(const char *key, const char *value);

/* Answers; false: not understood. What is behind the known is left alone. */
bool store_header_read_size(StoreCoded answer, StoreCloneHeader *header);
/* Of 'get_features', 'op_features_get' and 'get_flags': the first number. */
bool store_header_read_number(StoreCoded answer, guint64 *ret);
/* 'parent_get' */
bool store_header_read_parent(StoreCoded answer, StoreCloneHeader *header);

typedef enum {
    STORE_GROW_BY_LIBRBD, /* it is not as plain as it has to be */
    STORE_GROW_NOT,       /* it has its size */
    STORE_GROW_HEADER,
    STORE_GROW_MAP_AND_HEADER, /* in this order */
} StoreGrowWay;

/* How a clone that nobody has opened yet comes to so many bytes. */
StoreGrowWay store_grow_way(const StoreCloneHeader *header, guint64 size);
/* How many objects the image has then. */
guint64 store_grow_objects(const StoreCloneHeader *header, guint64 size);

#endif
