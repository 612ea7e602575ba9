/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/ask.h - what is asked of a cluster: for a pool, of a monitor
 *
 * Threads:  any; all block.
 */
#ifndef REMORA_AGENT_RBD_CONN_ASK_H
#define REMORA_AGENT_RBD_CONN_ASK_H

#include <glib.h>
#include <rados/librados.h>

typedef struct StoreConn StoreConn;

#define STORE_JSON_MAX (16u * 1024u * 1024u)

gboolean store_ioctx(StoreConn *conn,
                     const char *pool,
                     rados_ioctx_t *ret_io,
                     GError **error);
/* Runs one monitor command given as JSON; ret_text is NUL-terminated. */
gboolean store_mon_command(StoreConn *conn,
                           const char *command,
                           char **ret_text,
                           gsize *ret_len,
                           GError **error);

#endif
