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
store_class_parent(gint64 pool, const char *id, guint64 snap)
{
    GByteArray *argument = store_class_number((guint64)pool);

    store_coded_put_string(argument, id);
    store_coded_put(argument, snap, 8);
    return argument;
}

void
store_class_ask(rados_read_op_t op,
                const char *method,
                const GByteArray *argument,
                StoreClassAnswer *answer)
{
    rados_read_op_exec_user_buf(
        op, CLASS, method, argument ? (const char *)argument->data : "",
        argument ? argument->len : 0, answer->bytes, sizeof(answer->bytes),
        &answer->len, &answer->r);
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

int
store_class_call(rados_ioctx_t io,
                 const char *object,
                 const char *method,
                 const GByteArray *argument,
                 guint8 *answer,
                 gsize room)
{
    return rados_exec(io, object, CLASS, method, (const char *)argument->data,
                      argument->len, (char *)answer, room);
}
