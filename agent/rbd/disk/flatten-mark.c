/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/flatten-mark.c - who flattens a disk is changed, if it is as it
 * was read
 *
 * librbd has no such call. It is one operation on the image's header: the mark is
 * compared, and set by the method that librbd sets it by.
 */
#include "config.h"

#include "agent/rbd/disk/flatten-mark.h"

#include "agent/rbd/image/class.h"

#include <string.h>

/* How the class 'rbd' names what is in an image's metadata. */
#define KEY "metadata_" STORE_FLATTEN_KEY

int
store_flatten_mark_change(rados_ioctx_t io,
                          const char *id,
                          const StoreFlattenMark *was,
                          const StoreFlattenMark *to)
{
    g_autofree char *object = g_strconcat("rbd_header.", id, NULL);
    g_autofree char *text = store_flatten_mark_new(id, to);
    g_autoptr(GByteArray) metadata =
        store_class_metadata(STORE_FLATTEN_KEY, text);
    const char *old = was->text ? was->text : "";
    rados_write_op_t op = rados_create_write_op();
    int differs = 0;
    int r;

    rados_write_op_assert_exists(op);
    rados_write_op_omap_cmp(op, KEY, LIBRADOS_CMPXATTR_OP_EQ, old, strlen(old),
                            &differs);
    store_class_tell(op, "metadata_set", metadata);
    r = rados_write_op_operate(op, io, object, NULL, 0);
    rados_release_write_op(op);
    return r;
}
