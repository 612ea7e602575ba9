/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/cluster.c - one cluster: what is known of it and asked of it
 */
#include "config.h"

#include "agent/rbd/store-internal.h"

#include <errno.h>

StoreCluster *
store_cluster_new(const StoreSettings *settings)
{
    StoreCluster *cluster = g_new0(StoreCluster, 1);

    cluster->refs = 1;
    cluster->name = g_strdup(settings->name);
    cluster->conf = g_strdup(settings->conf);
    cluster->user = g_strdup(settings->user);
    cluster->keyring = g_strdup(settings->keyring);
    cluster->connect_timeout_ms = settings->connect_timeout_ms;
    cluster->op_timeout_ms = settings->op_timeout_ms;
    cluster->run_dir = g_strdup(settings->run_dir);
    cluster->state_dir = g_strdup(settings->state_dir);
    cluster->probe_pools = g_strdupv((char **)settings->probe_pools);
    cluster->clone_object_size = settings->clone_object_size;
    cluster->clone_features = settings->clone_features;
    cluster->clone_data_pool = g_strdup(settings->clone_data_pool);
    cluster->trash_expiry_s = settings->trash_expiry_s;
    g_mutex_init(&cluster->connect_lock);
    g_mutex_init(&cluster->lock);
    g_cond_init(&cluster->probed);
    g_cond_init(&cluster->claims_changed);
    cluster->work = g_ptr_array_new();
    cluster->claims = g_ptr_array_new();
    cluster->stalls = store_stalls_new();
    return cluster;
}

StoreCluster *
store_cluster_ref(StoreCluster *cluster)
{
    g_atomic_int_inc(&cluster->refs);
    return cluster;
}

void
store_cluster_unref(StoreCluster *cluster)
{
    if (!cluster || !g_atomic_int_dec_and_test(&cluster->refs))
        return;
    if (cluster->stop_beat)
        cluster->stop_beat(cluster);
    store_probe_end(cluster);
    g_clear_pointer(&cluster->conn, store_conn_unref);
    g_free(cluster->name);
    g_free(cluster->conf);
    g_free(cluster->user);
    g_free(cluster->keyring);
    g_free(cluster->run_dir);
    g_free(cluster->state_dir);
    g_strfreev(cluster->probe_pools);
    g_free(cluster->clone_data_pool);
    g_free(cluster->fsid);
    g_free(cluster->down_cause);
    g_clear_pointer(&cluster->monitors, g_ptr_array_unref);
    store_stalls_free(cluster->stalls);
    g_clear_pointer(&cluster->parents, g_hash_table_unref);
    g_clear_pointer(&cluster->observed, g_hash_table_unref);
    g_clear_pointer(&cluster->claiming, g_hash_table_unref);
    g_mutex_clear(&cluster->connect_lock);
    g_mutex_clear(&cluster->lock);
    g_cond_clear(&cluster->probed);
    g_cond_clear(&cluster->claims_changed);
    g_ptr_array_unref(cluster->work);
    g_ptr_array_unref(cluster->claims);
    g_free(cluster->full_pool);
    g_free(cluster);
}

const char *
store_cluster_name(const StoreCluster *cluster)
{
    return cluster->name;
}

const char *
store_cluster_user(const StoreCluster *cluster)
{
    return cluster->user;
}

gboolean
store_cluster_connect(StoreCluster *cluster, GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);

    return conn != NULL;
}

const char *
store_cluster_fsid(StoreCluster *cluster, GError **error)
{
    const char *fsid;

    g_mutex_lock(&cluster->lock);
    fsid = cluster->fsid;
    g_mutex_unlock(&cluster->lock);
    if (fsid)
        return fsid;
    return store_cluster_connect(cluster, error) ? cluster->fsid : NULL;
}

bool
store_cluster_is_down(StoreCluster *cluster, guint *ret_seconds)
{
    gint64 since;

    g_mutex_lock(&cluster->lock);
    since = cluster->down_since_us;
    g_mutex_unlock(&cluster->lock);
    if (since == 0)
        return false;
    *ret_seconds = (guint)((g_get_monotonic_time() - since) / G_USEC_PER_SEC);
    return true;
}

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
                            conn->cluster->name, pool);
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
