/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/clone-plan.c - what a new clone is to be, and how the OSDs are told
 */
#include "config.h"

#include "agent/rbd/disk/clone-plan.h"

#include "agent/rbd/image/class.h"

#include <rbd/librbd.h>

/* OBJECT_NONEXISTENT */
#define NO_OBJECT 0
/* RBD_OPERATION_FEATURE_CLONE_CHILD */
#define OP_CLONE_CHILD G_GUINT64_CONSTANT(2)
/* CLONE_PARENT, CLONE_CHILD, GROUP, SNAP_TRASH: what a parent may have. */
#define OPS_KNOWN G_GUINT64_CONSTANT(15)
/* cls::rbd::MAX_OBJECT_MAP_OBJECT_COUNT */
#define MAP_OBJECTS_MAX G_GUINT64_CONSTANT(256000000)
#define ORDER_MIN       12
#define ORDER_MAX       25

/* What follows from something else, and is not taken from a parent
 * (RBD_FEATURES_IMPLICIT_ENABLE). */
#define IMPLICIT                                                               \
    (RBD_FEATURE_STRIPINGV2 | RBD_FEATURE_DATA_POOL | RBD_FEATURE_FAST_DIFF |  \
     RBD_FEATURE_OPERATIONS)
/* What needs no more than what is written here. A journal is an object of its own,
 * and mirroring may begin with it; what is not known here may need anything. */
#define PLAIN                                                                  \
    (RBD_FEATURE_LAYERING | RBD_FEATURE_EXCLUSIVE_LOCK |                       \
     RBD_FEATURE_OBJECT_MAP | RBD_FEATURE_FAST_DIFF |                          \
     RBD_FEATURE_DEEP_FLATTEN)

/* ---- the plan ------------------------------------------------------------------ */

static bool
needs(guint64 features, guint64 one, guint64 other)
{
    return !(features & one) || (features & other);
}

static bool
are_plain(guint64 features)
{
    return !(features & ~(guint64)PLAIN) && (features & RBD_FEATURE_LAYERING) &&
           needs(features, RBD_FEATURE_FAST_DIFF, RBD_FEATURE_OBJECT_MAP) &&
           needs(features, RBD_FEATURE_OBJECT_MAP, RBD_FEATURE_EXCLUSIVE_LOCK);
}

/* Its clones are as striped as it is. */
static bool
can_be_parent(const StoreCloneFacts *facts)
{
    return (facts->parent_features & RBD_FEATURE_LAYERING) &&
           !(facts->parent_features &
             (~(guint64)STORE_CLASS_PLAIN | RBD_FEATURE_STRIPINGV2)) &&
           !(facts->parent_ops & ~OPS_KNOWN);
}

bool
store_clone_plan(const StoreCloneFacts *facts, StoreClonePlan *ret_plan)
{
    guint64 features = facts->features
                           ? facts->features
                           : facts->parent_features & ~(guint64)IMPLICIT;
    int order = g_bit_nth_msf((gulong)facts->object_size, -1);
    guint64 objects;

    if (!can_be_parent(facts) || !are_plain(features) || order < ORDER_MIN ||
        order > ORDER_MAX ||
        facts->object_size != G_GUINT64_CONSTANT(1) << order)
        return false;
    objects = facts->size / facts->object_size +
              (facts->size % facts->object_size != 0);
    if (features & RBD_FEATURE_OBJECT_MAP)
        features |= RBD_FEATURE_FAST_DIFF;
    if (facts->elsewhere)
        features |= RBD_FEATURE_DATA_POOL;
    *ret_plan = (StoreClonePlan){.size = facts->size,
                                 .order = (guint)order,
                                 .features = features,
                                 .map = features & RBD_FEATURE_OBJECT_MAP,
                                 .map_objects = objects};
    return !ret_plan->map || objects <= MAP_OBJECTS_MAX;
}

/* ---- arguments ------------------------------------------------------------------ */

GByteArray *
store_clone_arg_name(const char *name, const char *id)
{
    GByteArray *out = store_class_string(name);

    store_coded_put_string(out, id);
    return out;
}

GByteArray *
store_clone_arg_create(const StoreClonePlan *plan,
                       const char *prefix,
                       gint64 data_pool)
{
    GByteArray *out = store_class_number(plan->size);

    store_coded_put(out, plan->order, 1);
    store_coded_put(out, plan->features, 8);
    store_coded_put_string(out, prefix);
    store_coded_put(out, (guint64)data_pool, 8);
    return out;
}

/* Puts a structure to out: its version, the oldest that can read it, its length, and
 * its content, which it takes over. */
static void
put_structure(GByteArray *out, guint version, GByteArray *content)
{
    store_coded_put(out, version, 1);
    store_coded_put(out, 1, 1);
    store_coded_put(out, content->len, 4);
    g_byte_array_append(out, content->data, content->len);
    g_byte_array_unref(content);
}

GByteArray *
store_clone_arg_parent(const StoreCloneImage *parent,
                       guint64 snap,
                       guint64 overlap)
{
    GByteArray *out = g_byte_array_new();
    GByteArray *spec = store_class_number((guint64)parent->pool);

    store_coded_put_string(spec, parent->space);
    store_coded_put_string(spec, parent->id);
    store_coded_put(spec, snap, 8);
    put_structure(out, 1, spec);
    store_coded_put(out, overlap, 8);
    store_coded_put(out, 0, 1); /* not once more */
    return out;
}

GByteArray *
store_clone_arg_child(guint64 snap, const StoreCloneImage *child)
{
    GByteArray *out = store_class_number(snap);
    GByteArray *spec = store_class_number((guint64)child->pool);

    store_coded_put_string(spec, child->id);
    store_coded_put_string(spec, child->space);
    put_structure(out, 2, spec);
    return out;
}

GByteArray *
store_clone_arg_ops(void)
{
    GByteArray *out = store_class_number(OP_CLONE_CHILD);

    store_coded_put(out, OP_CLONE_CHILD, 8); /* of these, no other changes */
    return out;
}

GByteArray *
store_clone_arg_objects(guint64 objects)
{
    GByteArray *out = store_class_number(objects);

    store_coded_put(out, NO_OBJECT, 1);
    return out;
}

GByteArray *
store_clone_arg_list(const char *behind)
{
    GByteArray *out = store_class_string(behind);

    store_coded_put(out, STORE_CLONE_KEYS, 8);
    return out;
}

/* ---- answers ------------------------------------------------------------------- */

bool
store_clone_read_number(StoreCoded answer, guint64 *ret)
{
    *ret = store_coded_take(&answer, 8);
    return !answer.bad;
}

bool
store_clone_read_list(StoreCoded answer,
                      const char *prefix,
                      guint *ret_keys,
                      bool *ret_found)
{
    *ret_keys = (guint)store_coded_take(&answer, 4);
    *ret_found = false;
    for (guint i = 0; i < *ret_keys && !answer.bad; i++) {
        g_autofree char *key = store_coded_take_string(&answer);
        g_autofree char *value = store_coded_take_string(&answer);

        *ret_found = *ret_found || g_str_has_prefix(key, prefix);
    }
    return !answer.bad;
}
