/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/head.c - the first bytes of an image, which may have none
 */
#include "config.h"

#include "agent/rbd/image/head.h"

#include <errno.h>

gssize
store_head_read(rbd_image_t handle, guint64 offset, guint8 *buffer, gsize len)
{
    ssize_t got = rbd_read(handle, offset, len, (char *)buffer);

    return got == -EINVAL ? 0 : got;
}
