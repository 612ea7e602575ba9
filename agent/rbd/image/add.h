/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/add.h - a new image with content, under whatever claim
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_ADD_H
#define REMORA_AGENT_RBD_IMAGE_ADD_H

#include "agent/rbd/image/copy.h"

#include <rados/librados.h>

/* Looks at the source, before anything is made. ret_copy borrows all of it. */
gboolean store_add_check(const StoreImageSource *source,
                         const char *pool,
                         const char *image,
                         StoreCopy *ret_copy,
                         GError **error);
/* The same of one that gets size bytes otherwise: source has no file. */
gboolean store_add_check_filled(const StoreImageSource *source,
                                const char *pool,
                                const char *image,
                                guint64 size,
                                StoreCopy *ret_copy,
                                GError **error);
/* After a failure nothing of what this call made is left, unless the error says
 * so. */
gboolean
store_add(StoreConn *conn, rados_ioctx_t io, StoreCopy *copy, GError **error);

/* How an image that is no file's copy comes to be there, and to its content. Both
 * set error, and fill leaves copy->handle open. */
typedef struct {
    /* Exclusively: one that is there already is store_add_refuse()'s. */
    gboolean (*create)(StoreCopy *copy,
                       rados_ioctx_t io,
                       gpointer data,
                       GError **error);
    gboolean (*fill)(StoreCopy *copy, gpointer data, GError **error);
    gpointer data;
} StoreAddWay;
/* As of a file: exclusively. */
gboolean store_add_create(StoreCopy *copy,
                          rados_ioctx_t io,
                          gpointer data,
                          GError **error);
gboolean store_add_by(StoreConn *conn,
                      rados_ioctx_t io,
                      const StoreAddWay *way,
                      StoreCopy *copy,
                      GError **error);

/* For one that is there already: what to do about it depends on how far it
 * came. */
gboolean store_add_refuse(StoreConn *conn,
                          rados_ioctx_t io,
                          const char *pool,
                          const char *image,
                          GError **error);

#endif
