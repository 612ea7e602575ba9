/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/header.c - what is said to a clone's header as it grows, and how
 * it grows
 */
#include "config.h"

#include "agent/rbd/disk/header.h"

#include "agent/rbd/image/class.h"

#include <rbd/librbd.h>

/* OBJECT_NONEXISTENT */
#define NO_OBJECT 0
/* RBD_OPERATION_FEATURE_CLONE_CHILD; none else is there before a snapshot. */
#define OP_CLONE_CHILD G_GUINT64_CONSTANT(2)
/* cls::rbd::MAX_OBJECT_MAP_OBJECT_COUNT */
#define MAP_OBJECTS_MAX G_GUINT64_CONSTANT(256000000)
#define ORDER_MIN       12u
#define ORDER_MAX       25u

/* What needs nothing done but the size set, or the object map with it. With
 * a journal each change is an event in it, a striped image has another number of
 * objects, and what is not known here may be either. */
#define PLAIN_FEATURES                                                         \
    (RBD_FEATURE_LAYERING | RBD_FEATURE_EXCLUSIVE_LOCK |                       \
     RBD_FEATURE_OBJECT_MAP | RBD_FEATURE_FAST_DIFF |                          \
     RBD_FEATURE_DEEP_FLATTEN | RBD_FEATURE_DATA_POOL |                        \
     RBD_FEATURE_OPERATIONS)

/* ---- arguments --------------------------------------------------------------- */

GByteArray *
store_header_arg_head(void)
{
    return store_class_number(STORE_CLASS_NO_SNAP);
}

GByteArray *
store_header_arg_features(void)
{
    GByteArray *out = store_header_arg_head();

    store_coded_put(out, false, 1); /* not read-only */
    return out;
}

GByteArray *
store_header_arg_objects(guint64 objects)
{
    GByteArray *out = store_class_number(objects);

    store_coded_put(out, NO_OBJECT, 1);
    return out;
}

GByteArray *
store_header_arg_metadata(const char *key, const char *value)
{
    GByteArray *out = g_byte_array_new();

    store_coded_put(out, 1, 4); /* so many keys */
    store_coded_put_string(out, key);
    store_coded_put_string(out, value);
    return out;
}

/* ---- answers ------------------------------------------------------------------- */

bool
store_header_read_size(StoreCoded answer, StoreCloneHeader *header)
{
    header->order = (guint)store_coded_take(&answer, 1);
    header->size = store_coded_take(&answer, 8);
    return !answer.bad;
}

bool
store_header_read_number(StoreCoded answer, guint64 *ret)
{
    *ret = store_coded_take(&answer, 8);
    return !answer.bad;
}

bool
store_header_read_parent(StoreCoded answer, StoreCloneHeader *header)
{
    g_auto(StoreClassParent) parent = {0};

    if (!store_class_read_parent(answer, &parent))
        return false;
    header->parent_snap = parent.snap;
    return g_strlcpy(header->parent, parent.id, sizeof(header->parent)) <
           sizeof(header->parent);
}

/* ---- the way ------------------------------------------------------------------- */

guint64
store_grow_objects(const StoreCloneHeader *header, guint64 size)
{
    guint64 object = G_GUINT64_CONSTANT(1) << header->order;

    return size / object + (size % object != 0);
}

StoreGrowWay
store_grow_way(const StoreCloneHeader *header, guint64 size)
{
    if (header->features & ~(guint64)PLAIN_FEATURES ||
        header->op_features & ~OP_CLONE_CHILD || header->flags ||
        header->order < ORDER_MIN || header->order > ORDER_MAX ||
        size < header->size)
        return STORE_GROW_BY_LIBRBD;
    if (size == header->size)
        return STORE_GROW_NOT;
    if (!(header->features & RBD_FEATURE_OBJECT_MAP))
        return STORE_GROW_HEADER;
    /* librbd says why that cannot be. */
    return store_grow_objects(header, size) > MAP_OBJECTS_MAX
               ? STORE_GROW_BY_LIBRBD
               : STORE_GROW_MAP_AND_HEADER;
}
