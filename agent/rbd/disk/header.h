/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/header.h - what is said to RBD's object class, byte by byte
 *
 * An image's header is an object that the OSDs' class 'rbd' reads and writes,
 * and librbd does nothing to it but by that class's methods. This is the one
 * place that knows how their arguments and answers are encoded: as librbd does
 * it (src/cls/rbd/cls_rbd_client.cc), which the class may not change as long as
 * there are older clients.
 *
 * Pure. All numbers are little endian, texts have their length before them, in
 * 32 bits.
 */
#ifndef REMORA_AGENT_RBD_DISK_HEADER_H
#define REMORA_AGENT_RBD_DISK_HEADER_H

#include <glib.h>
#include <stdbool.h>

/* Room for each answer below. */
#define STORE_HEADER_ANSWER 512u

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
/* 'set_size', and how such a number stands in the header. */
GByteArray *store_header_arg_number(guint64 number);
/* 'object_map_resize': new objects do not exist. */
GByteArray *store_header_arg_objects(guint64 objects);
/* 'metadata_set': of one key. */
GByteArray *store_header_arg_metadata(const char *key, const char *value);

/* Answers; false: not understood. What is behind the known is left alone. */
bool
store_header_read_size(const guint8 *data, gsize len, StoreCloneHeader *header);
/* Of 'get_features', 'op_features_get' and 'get_flags': the first number. */
bool store_header_read_number(const guint8 *data, gsize len, guint64 *ret);
/* 'parent_get' */
bool store_header_read_parent(const guint8 *data,
                              gsize len,
                              StoreCloneHeader *header);

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
