/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/namespace.h - where a parent is: in a pool, or in a namespace of it
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_NAMESPACE_H
#define REMORA_AGENT_RBD_IMAGE_NAMESPACE_H

#include "agent/rbd/conn/connection.h"

/* Where its image is, in its namespace; ret_image is a part of image, which is
 * 'NAME' or 'NAMESPACE/NAME'. */
gboolean store_parent_ioctx(StoreConn *conn,
                            const char *pool,
                            const char *image,
                            StoreIo *ret_io,
                            const char **ret_image,
                            GError **error);

#endif
