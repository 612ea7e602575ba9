/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/class.c - methods of RBD's object class, called without librbd
 */
#include "config.h"

#include "agent/rbd/image/class.h"

#define CLASS "rbd"

GByteArray *
store_class_number(guint64 number)
{
    GByteArray *argument = g_byte_array_new();

    store_coded_put(argument, number, 8);
    return argument;
}

GByteArray *
store_class_string(const char *text)
{
    GByteArray *argument = g_byte_array_new();

    store_coded_put_string(argument, text);
    return argument;
}

GByteArray *
store_class_parent(gint64 pool, const char *id, guint64 snap)
{
    GByteArray *argument = store_class_number((guint64)pool);

    store_coded_put_string(argument, id);
    store_coded_put(argument, snap, 8);
    return argument;
}

GByteArray *
store_class_metadata(const char *key, const char *value)
{
    GByteArray *out = g_byte_array_new();

    store_coded_put(out, 1, 4); /* so many keys */
    store_coded_put_string(out, key);
    store_coded_put_string(out, value);
    return out;
}

GByteArray *
store_class_features(void)
{
    GByteArray *out = store_class_number(STORE_CLASS_NO_SNAP);

    store_coded_put(out, 1, 1);
    return out;
}

void
store_class_ask(rados_read_op_t op,
                const char *method,
                const GByteArray *argument,
                StoreClassAnswer *answer)
{
    store_class_ask_other(op, CLASS, method, argument, answer);
}

void
store_class_ask_other(rados_read_op_t op,
                      const char *object_class,
                      const char *method,
                      const GByteArray *argument,
                      StoreClassAnswer *answer)
{
    rados_read_op_exec_user_buf(
        op, object_class, method, argument ? (const char *)argument->data : "",
        argument ? argument->len : 0, answer->bytes, sizeof(answer->bytes),
        &answer->len, &answer->r);
}

void
store_class_ask_long(rados_read_op_t op,
                     const char *method,
                     const GByteArray *argument,
                     StoreClassLong *answer)
{
    rados_read_op_exec_user_buf(
        op, CLASS, method, (const char *)argument->data, argument->len,
        answer->bytes, sizeof(answer->bytes), &answer->len, &answer->r);
}

void
store_class_tell(rados_write_op_t op,
                 const char *method,
                 const GByteArray *argument)
{
    rados_write_op_exec(op, CLASS, method, (const char *)argument->data,
                        argument->len, NULL);
}

StoreCoded
store_class_read(const StoreClassAnswer *answer)
{
    return (StoreCoded){(const guint8 *)answer->bytes, answer->len,
                        answer->r < 0};
}

StoreCoded
store_class_read_long(const StoreClassLong *answer)
{
    return (StoreCoded){(const guint8 *)answer->bytes, answer->len,
                        answer->r < 0};
}

bool
store_class_read_parent(StoreCoded answer, StoreClassParent *ret)
{
    StoreCoded from = store_coded_enter(&answer);

    ret->pool = (gint64)store_coded_take(&from, 8);
    ret->space = store_coded_take_string(&from);
    ret->id = store_coded_take_string(&from);
    ret->snap = store_coded_take(&from, 8);
    return !from.bad;
}

void
store_class_parent_clear(StoreClassParent *parent)
{
    g_clear_pointer(&parent->space, g_free);
    g_clear_pointer(&parent->id, g_free);
}

int
store_class_call(rados_ioctx_t io,
                 const char *object,
                 const char *method,
                 const GByteArray *argument,
                 guint8 *answer,
                 gsize size)
{
    return rados_exec(io, object, CLASS, method, (const char *)argument->data,
                      argument->len, (char *)answer, size);
}
