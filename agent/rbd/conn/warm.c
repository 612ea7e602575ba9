/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/warm.c - the one connection in use: got, and given up
 *
 * Whoever had a call fail says so here. Then the connection is retired or set
 * aside, and a probe looks at what does not answer.
 */
#include "config.h"

#include "agent/rbd/conn/warm.h"

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/probe.h"
#include "agent/rbd/conn/work.h"

#include <errno.h>

void
store_conn_note(StoreConn *conn, int r, const char *pool, const char *image)
{
    if (r == -ESHUTDOWN)
        store_conn_retire(conn);
    if (r != -ETIMEDOUT)
        return;
    store_conn_set_aside(conn);
    store_work_note_hung(conn->cluster);
    if (pool)
        store_stalls_suspect(conn->cluster, pool, image);
    store_probe_begin(conn->cluster);
}

gboolean
store_fail(GError **error, StoreConn *conn, int r, const char *format, ...)
{
    va_list args;

    if (conn)
        store_conn_note(conn, r, NULL, NULL);
    va_start(args, format);
    (void)store_explain_v(error, r, format, args);
    va_end(args);
    return FALSE;
}

StoreConn *
store_conn_acquire(StoreCluster *cluster, GError **error)
{
    g_autoptr(GError) why = NULL;
    bool tried;
    StoreConn *conn =
        store_conn_in_use(cluster, store_cluster_admit, &tried, &why);

    if (tried && g_error_matches(why, STORE_ERROR, STORE_ERROR_DOWN))
        store_cluster_mark_down(cluster, "no monitor answered");
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    return conn;
}

gboolean
store_cluster_connect(StoreCluster *cluster, GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);

    return conn != NULL;
}

bool
store_cluster_is_connected(const StoreCluster *cluster)
{
    return store_conn_is_there(cluster);
}

const char *
store_cluster_fsid(StoreCluster *cluster, GError **error)
{
    const char *fsid = store_conn_fsid(cluster);

    if (fsid)
        return fsid;
    return store_cluster_connect(cluster, error) ? store_conn_fsid(cluster)
                                                 : NULL;
}
