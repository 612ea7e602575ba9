/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/connection.c - one warm connection, and what becomes of it
 *
 * A connection is made once and shared by every job. It is retired for good
 * when it was fenced. When a call timed out it is only set aside: one placement
 * group that hangs is no reason to end what others have under way, but what the
 * call wrote may still arrive, and nothing new may start behind it under the
 * same identity.
 */
#include "config.h"

#include "agent/rbd/conn/address.h"
#include "agent/rbd/store-internal.h"

#include <errno.h>
#include <unistd.h>

StoreConn *
store_conn_ref(StoreConn *conn)
{
    g_atomic_int_inc(&conn->refs);
    return conn;
}

void
store_conn_unref(StoreConn *conn)
{
    if (!conn || !g_atomic_int_dec_and_test(&conn->refs))
        return;
    store_close_wait(conn);
    if (conn->rados)
        rados_shutdown(conn->rados);
    /* Only now can nothing of this instance reach the cluster any more, so
     * only now may the lock that proves its life go. */
    if (conn->instance_fd >= 0)
        store_instance_close(conn);
    g_free(conn->instance);
    g_free(conn->instance_path);
    g_free(conn->addr);
    g_free(conn->ips);
    store_place_clear(&conn->place);
    g_mutex_clear(&conn->closing_lock);
    g_cond_clear(&conn->closed_one);
    g_free(conn);
}

bool
store_conn_is_aside(const StoreConn *conn)
{
    return g_atomic_int_get(&conn->aside);
}

bool
store_conn_is_retired(const StoreConn *conn)
{
    return g_atomic_int_get(&conn->retired);
}

bool
store_conn_may_write(const StoreConn *conn, const GError *why)
{
    return !store_conn_is_retired(conn) &&
           !g_error_matches(why, STORE_ERROR, STORE_ERROR_DOWN);
}

/* Nobody gets it any more. */
static void
withdraw(StoreConn *conn)
{
    StoreCluster *cluster = conn->cluster;
    StoreConn *gone = NULL;

    g_mutex_lock(&cluster->lock);
    if (cluster->conn == conn)
        gone = g_steal_pointer(&cluster->conn);
    g_mutex_unlock(&cluster->lock);
    store_conn_unref(gone);
}

void
store_conn_retire(StoreConn *conn)
{
    g_atomic_int_set(&conn->retired, 1);
    withdraw(conn);
}

void
store_conn_note(StoreConn *conn, int r, const char *pool, const char *image)
{
    if (r == -ESHUTDOWN)
        store_conn_retire(conn);
    if (r != -ETIMEDOUT)
        return;
    g_atomic_int_set(&conn->aside, 1);
    withdraw(conn);
    store_work_note_hung(conn->cluster);
    if (pool)
        store_stalls_suspect(conn->cluster->stalls, pool, image);
    store_probe_begin(conn->cluster);
}

/* librados takes whole seconds; round up, so that no limit becomes 0, which
 * would mean none. */
static int
set_seconds(rados_t rados, const char *key, guint milliseconds)
{
    g_autofree char *text = g_strdup_printf("%u", (milliseconds + 999) / 1000);

    return rados_conf_set(rados, key, text);
}

static gboolean
configure(StoreConn *conn, guint op_timeout_ms, GError **error)
{
    static const char *const settings[][2] = {
        /* What librados would print on stderr comes back as an error, too. */
        {"log_to_stderr", "false"},
        {"err_to_stderr", "false"},
        /* What is written here is written once, so a cache for each image
         * that is opened costs time and saves none. */
        {"rbd_cache", "false"},
        /* With more than one, librbd (16.2.15) touches an image once more
         * that another thread may have closed meanwhile, and freed. */
        {"librados_thread_count", "1"},
        /* librados keeps its last lines in memory, for a crash; making them
         * up takes part of the time of each call. */
        {"debug_rbd", "0/0"},
        {"debug_rados", "0/0"},
        {"debug_objecter", "0/0"},
        {"debug_objectcacher", "0/0"},
        {"debug_monc", "0/0"},
        {"debug_auth", "0/0"},
        {"debug_ms", "0/0"},
    };
    const StoreCluster *cluster = conn->cluster;
    int r = rados_create(&conn->rados, cluster->user);

    if (r < 0)
        return store_fail(error, NULL, r, "cannot set up a connection");
    r = rados_conf_read_file(conn->rados, cluster->conf);
    if (r < 0)
        return store_fail(error, NULL, r, "cannot read '%s'",
                          cluster->conf ? cluster->conf : "ceph.conf");
    if (cluster->keyring) {
        if (access(cluster->keyring, R_OK) != 0)
            return store_refuse(error, STORE_ERROR_FAILED,
                                "cannot read the keyring '%s': does it exist, "
                                "and may this user read it?",
                                cluster->keyring);
        r = rados_conf_set(conn->rados, "keyring", cluster->keyring);
    }
    if (r >= 0)
        r = set_seconds(conn->rados, "client_mount_timeout",
                        cluster->connect_timeout_ms);
    if (r >= 0)
        r = set_seconds(conn->rados, "rados_mon_op_timeout",
                        cluster->connect_timeout_ms);
    if (r >= 0)
        r = set_seconds(conn->rados, "rados_osd_op_timeout", op_timeout_ms);
    for (gsize i = 0; r >= 0 && i < G_N_ELEMENTS(settings); i++)
        r = rados_conf_set(conn->rados, settings[i][0], settings[i][1]);
    if (r < 0)
        return store_fail(error, NULL, r, "cannot set the time limits");
    return TRUE;
}

/* What librados answers when it finds no keyring, or none that it can read, and
 * where it has looked. */
static gboolean
refuse_keyring(StoreConn *conn, int r, GError **error)
{
    char places[1024] = "";

    if (rados_conf_get(conn->rados, "keyring", places, sizeof(places)) < 0)
        g_strlcpy(places, "the usual places", sizeof(places));
    return store_refuse(error, STORE_ERROR_FAILED,
                        "cannot connect to cluster '%s': %s client.%s in %s: "
                        "write it there (ceph auth get client.%s -o FILE), or "
                        "name its file with 'keyring' in remora.conf",
                        conn->cluster->name,
                        r == -ENOENT ? "there is no key of"
                                     : "there is no usable key of",
                        conn->cluster->user, places, conn->cluster->user);
}

/* By what the configuration says of monitors: that a client could come by more
 * ways than that is the rarer the more it names. */
static char *
other_ips(const StoreConn *conn)
{
    char hosts[2048] = "";
    g_autoptr(GPtrArray) monitors = NULL;

    if (rados_conf_get(conn->rados, "mon_host", hosts, sizeof(hosts)) >= 0)
        monitors = store_monitors_parse_hosts(hosts, NULL);
    return monitors ? store_address_others(monitors, conn->addr) : NULL;
}

static gboolean
connect_and_name(StoreConn *conn, GError **error)
{
    char *addr = NULL;
    int r = rados_connect(conn->rados);

    if (r == -ENOENT || r == -EINVAL || r == -EIO)
        return refuse_keyring(conn, r, error);
    if (r < 0)
        return store_fail(error, NULL, r,
                          "cannot connect to cluster '%s' as 'client.%s'",
                          conn->cluster->name, conn->cluster->user);
    r = rados_getaddrs(conn->rados, &addr);
    if (r < 0)
        return store_fail(error, NULL, r, "cannot learn our own address");
    conn->addr = g_strdup(addr);
    rados_buffer_free(addr);
    conn->ips = other_ips(conn);
    return TRUE;
}

static gboolean
learn_fsid(StoreCluster *cluster, StoreConn *conn, GError **error)
{
    char text[64] = "";
    int r = rados_cluster_fsid(conn->rados, text, sizeof(text));

    if (r < 0)
        return store_fail(error, NULL, r, "cannot read the cluster's id");
    g_mutex_lock(&cluster->lock);
    if (!cluster->fsid)
        cluster->fsid = g_strdup(text);
    g_mutex_unlock(&cluster->lock);
    return TRUE;
}

StoreConn *
store_conn_open(StoreCluster *cluster, guint op_timeout_ms, GError **error)
{
    g_autoptr(StoreConn) conn = g_new0(StoreConn, 1);

    conn->refs = 1;
    conn->cluster = cluster;
    conn->instance_fd = -1;
    g_mutex_init(&conn->closing_lock);
    g_cond_init(&conn->closed_one);
    if (!configure(conn, op_timeout_ms, error) ||
        !connect_and_name(conn, error) || !learn_fsid(cluster, conn, error))
        return NULL;
    return g_steal_pointer(&conn);
}

static StoreConn *
conn_new(StoreCluster *cluster, GError **error)
{
    g_autoptr(StoreConn) conn =
        store_conn_open(cluster, cluster->op_timeout_ms, error);

    if (!conn || !store_place_here(cluster->state_dir, &conn->place, error) ||
        !store_instance_open(cluster->run_dir, &conn->instance,
                             &conn->instance_path, &conn->instance_fd, error))
        return NULL;
    return g_steal_pointer(&conn);
}

/* Under lock: the connection that there is, or the refusal that is due.
 * Returns false when a connection has to be made. */
static bool
use_or_refuse(StoreCluster *cluster, StoreConn **ret_conn, GError **error)
{
    if (cluster->down_since_us == 0) {
        *ret_conn = cluster->conn ? store_conn_ref(cluster->conn) : NULL;
        return *ret_conn != NULL;
    }
    store_refuse(error, STORE_ERROR_DOWN,
                 "cluster '%s' has not answered for %" G_GINT64_FORMAT
                 " s (%s): starts are refused until it does; check it with "
                 "'ceph -s'",
                 cluster->name,
                 (g_get_monotonic_time() - cluster->down_since_us) /
                     G_USEC_PER_SEC,
                 cluster->down_cause);
    return true;
}

static void
publish(StoreCluster *cluster, StoreConn *conn)
{
    g_mutex_lock(&cluster->lock);
    cluster->conn = store_conn_ref(conn);
    g_mutex_unlock(&cluster->lock);
}

StoreConn *
store_conn_acquire(StoreCluster *cluster, GError **error)
{
    g_autoptr(GError) why = NULL;
    StoreConn *conn = NULL;
    bool settled;

    g_mutex_lock(&cluster->connect_lock);
    g_mutex_lock(&cluster->lock);
    settled = use_or_refuse(cluster, &conn, error);
    g_mutex_unlock(&cluster->lock);

    if (!settled)
        conn = conn_new(cluster, &why);
    if (conn && !settled)
        publish(cluster, conn);
    g_mutex_unlock(&cluster->connect_lock);

    if (g_error_matches(why, STORE_ERROR, STORE_ERROR_DOWN))
        store_cluster_mark_down(cluster, "no monitor answered");
    if (why)
        g_propagate_error(error, g_steal_pointer(&why));
    return conn;
}
