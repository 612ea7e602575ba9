/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/namespace.c - where a parent is: in a pool, or in a namespace of it
 */
#include "config.h"

#include "agent/rbd/image/namespace.h"

#include "agent/rbd/conn/ask.h"

#include <string.h>

gboolean
store_parent_ioctx(StoreConn *conn,
                   const char *pool,
                   const char *image,
                   StoreIo *ret_io,
                   const char **ret_image,
                   GError **error)
{
    const char *slash = strchr(image, '/');
    g_autofree char *space =
        slash ? g_strndup(image, (gsize)(slash - image)) : NULL;

    if (!store_ioctx(conn, pool, ret_io, error))
        return FALSE;
    if (space)
        rados_ioctx_set_namespace(*ret_io, space);
    *ret_image = slash ? slash + 1 : image;
    return TRUE;
}
