/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/ask.c - what is asked of a cluster: for a pool, of a monitor
 */
#include "config.h"

#include "agent/rbd/conn/ask.h"

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/probe.h"
#include "agent/rbd/conn/warm.h"

#include <errno.h>

gboolean
store_ioctx(StoreConn *conn,
            const char *pool,
            rados_ioctx_t *ret_io,
            GError **error)
{
    int r = rados_ioctx_create(conn->rados, pool, ret_io);

    if (r == -ENOENT)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "cluster '%s' has no pool '%s': check the pools "
                            "in remora.conf (ceph osd pool ls)",
                            store_cluster_name(conn->cluster), pool);
    if (r < 0)
        return store_fail(error, conn, r, "cannot open pool '%s'", pool);
    return TRUE;
}

gboolean
store_mon_command(StoreConn *conn,
                  const char *command,
                  char **ret_text,
                  gsize *ret_len,
                  GError **error)
{
    const char *commands[] = {command};
    char *out = NULL;
    char *status = NULL;
    size_t out_len = 0;
    size_t status_len = 0;
    int r = rados_mon_command(conn->rados, commands, 1, "", 0, &out, &out_len,
                              &status, &status_len);
    gboolean ok;

    /* Monitors that elect answer nobody, while the OSDs do; and a command
     * that was lost writes to no image. So the connection stays in use, and a
     * probe says what it was. */
    if (r == -ETIMEDOUT)
        store_probe_monitors(conn->cluster);
    if (r < 0)
        ok = store_fail(error, r == -ETIMEDOUT ? NULL : conn, r,
                        "a monitor command failed");
    else if (out_len > STORE_JSON_MAX)
        ok = store_refuse(error, STORE_ERROR_FAILED,
                          "a monitor's answer is longer than %u bytes",
                          STORE_JSON_MAX);
    else
        ok = TRUE;
    if (ok) {
        *ret_text = g_strndup(out ? out : "", out_len);
        *ret_len = out_len;
    }
    rados_buffer_free(out);
    rados_buffer_free(status);
    return ok;
}
