/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/omap.c - one value of an object's map
 */
#include "config.h"

#include "agent/rbd/image/omap.h"

#include <errno.h>
#include <string.h>

static int
take_value(rados_omap_iter_t iter, guint8 *raw, gsize size)
{
    char *key = NULL;
    char *value = NULL;
    size_t len = 0;
    int r = rados_omap_get_next(iter, &key, &value, &len);

    if (r < 0)
        return r;
    if (!key)
        return -ENOENT;
    if (len > size)
        return -EINVAL;
    memcpy(raw, value, len);
    return (int)len;
}

int
store_omap_read(rados_ioctx_t io,
                const char *object,
                const char *key,
                guint8 *raw,
                gsize size)
{
    rados_read_op_t op = rados_create_read_op();
    rados_omap_iter_t iter = NULL;
    int got = 0;
    int r;

    rados_read_op_omap_get_vals_by_keys(op, &key, 1, &iter, &got);
    r = rados_read_op_operate(op, io, object, 0);
    r = r < 0 ? r : got;
    if (r >= 0)
        r = take_value(iter, raw, size);
    if (iter)
        rados_omap_get_end(iter);
    rados_release_read_op(op);
    return r;
}
