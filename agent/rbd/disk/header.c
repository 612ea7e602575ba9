/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/header.c - what is said to RBD's object class, byte by byte
 */
#include "config.h"

#include "agent/rbd/disk/header.h"

#include <rbd/librbd.h>
#include <string.h>

/* CEPH_NOSNAP: the image itself. */
#define NO_SNAP (G_MAXUINT64 - 1)
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

static void
put64(GByteArray *out, guint64 number)
{
    number = GUINT64_TO_LE(number);
    g_byte_array_append(out, (const guint8 *)&number, sizeof(number));
}

static void
put32(GByteArray *out, guint32 number)
{
    number = GUINT32_TO_LE(number);
    g_byte_array_append(out, (const guint8 *)&number, sizeof(number));
}

static void
put8(GByteArray *out, guint8 number)
{
    g_byte_array_append(out, &number, sizeof(number));
}

static void
put_text(GByteArray *out, const char *text)
{
    guint32 len = (guint32)strlen(text);

    put32(out, len);
    g_byte_array_append(out, (const guint8 *)text, len);
}

GByteArray *
store_header_arg_head(void)
{
    return store_header_arg_number(NO_SNAP);
}

GByteArray *
store_header_arg_features(void)
{
    GByteArray *out = store_header_arg_head();

    put8(out, FALSE); /* not read-only */
    return out;
}

GByteArray *
store_header_arg_number(guint64 number)
{
    GByteArray *out = g_byte_array_new();

    put64(out, number);
    return out;
}

GByteArray *
store_header_arg_objects(guint64 objects)
{
    GByteArray *out = store_header_arg_number(objects);

    put8(out, NO_OBJECT);
    return out;
}

GByteArray *
store_header_arg_metadata(const char *key, const char *value)
{
    GByteArray *out = g_byte_array_new();

    put32(out, 1); /* so many keys */
    put_text(out, key);
    put_text(out, value);
    return out;
}

/* ---- answers ------------------------------------------------------------------- */

typedef struct {
    const guint8 *at;
    gsize left;
} Reader;

static bool
take(Reader *from, void *to, gsize len)
{
    if (from->left < len)
        return false;
    memcpy(to, from->at, len);
    from->at += len;
    from->left -= len;
    return true;
}

static bool
take64(Reader *from, guint64 *ret_number)
{
    if (!take(from, ret_number, sizeof(*ret_number)))
        return false;
    *ret_number = GUINT64_FROM_LE(*ret_number);
    return true;
}

static bool
take32(Reader *from, guint32 *ret_number)
{
    if (!take(from, ret_number, sizeof(*ret_number)))
        return false;
    *ret_number = GUINT32_FROM_LE(*ret_number);
    return true;
}

static bool
take_text(Reader *from, char *to, gsize size)
{
    guint32 len;

    if (!take32(from, &len) || len >= size || !take(from, to, len))
        return false;
    to[len] = '\0';
    return true;
}

bool
store_header_read_size(const guint8 *data, gsize len, StoreCloneHeader *header)
{
    Reader from = {data, len};
    guint8 order;

    if (!take(&from, &order, sizeof(order)) || !take64(&from, &header->size))
        return false;
    header->order = order;
    return true;
}

bool
store_header_read_number(const guint8 *data, gsize len, guint64 *ret)
{
    Reader from = {data, len};

    return take64(&from, ret);
}

/* A structure says its version, the oldest that reads it, and its length. */
bool
store_header_read_parent(const guint8 *data,
                         gsize len,
                         StoreCloneHeader *header)
{
    Reader from = {data, len};
    guint8 versions[2];
    guint32 inside;
    guint64 pool;
    char space[128];

    if (!take(&from, versions, sizeof(versions)) || versions[1] > 1 ||
        !take32(&from, &inside) || inside > from.left)
        return false;
    from.left = inside;
    return take64(&from, &pool) && take_text(&from, space, sizeof(space)) &&
           take_text(&from, header->parent, sizeof(header->parent)) &&
           take64(&from, &header->parent_snap);
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
