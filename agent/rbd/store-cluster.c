/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store-cluster.c - one warm connection, and none while it is down
 *
 * A connection is made once and shared by every job. It is retired for good
 * when it was fenced or when a call timed out: writes of a timed-out call may
 * still be under way, and nothing new may start behind them under the same
 * identity. After a time-out every call is refused at once until a probe, run
 * in a thread of its own, has had an answer from a monitor and an OSD.
 */
#include "config.h"

#include "agent/rbd/claim/beat.h"
#include "agent/rbd/store-internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define PROBE_INTERVAL_US (2 * G_USEC_PER_SEC)

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
    cluster->probe_pool = g_strdup(settings->probe_pool);
    cluster->clone_object_size = settings->clone_object_size;
    cluster->clone_features = settings->clone_features;
    cluster->clone_data_pool = g_strdup(settings->clone_data_pool);
    cluster->trash_expiry_s = settings->trash_expiry_s;
    g_mutex_init(&cluster->connect_lock);
    g_mutex_init(&cluster->lock);
    g_cond_init(&cluster->closed);
    g_cond_init(&cluster->claims_changed);
    cluster->work = g_ptr_array_new();
    cluster->claims = g_ptr_array_new();
    return cluster;
}

StoreCluster *
store_cluster_ref(StoreCluster *cluster)
{
    g_atomic_int_inc(&cluster->refs);
    return cluster;
}

/* The probe must be gone before what it looks at goes. */
static void
wait_for_probe(StoreCluster *cluster)
{
    g_mutex_lock(&cluster->lock);
    cluster->closing = true;
    g_cond_broadcast(&cluster->closed);
    while (cluster->probing)
        g_cond_wait(&cluster->closed, &cluster->lock);
    g_mutex_unlock(&cluster->lock);
}

void
store_cluster_unref(StoreCluster *cluster)
{
    if (!cluster || !g_atomic_int_dec_and_test(&cluster->refs))
        return;
    store_beat_stop(cluster);
    wait_for_probe(cluster);
    g_clear_pointer(&cluster->conn, store_conn_unref);
    g_free(cluster->name);
    g_free(cluster->conf);
    g_free(cluster->user);
    g_free(cluster->keyring);
    g_free(cluster->run_dir);
    g_free(cluster->state_dir);
    g_free(cluster->probe_pool);
    g_free(cluster->clone_data_pool);
    g_free(cluster->fsid);
    g_free(cluster->down_cause);
    g_clear_pointer(&cluster->parents, g_hash_table_unref);
    g_clear_pointer(&cluster->observed, g_hash_table_unref);
    g_mutex_clear(&cluster->connect_lock);
    g_mutex_clear(&cluster->lock);
    g_cond_clear(&cluster->closed);
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
    store_place_clear(&conn->place);
    g_mutex_clear(&conn->closing_lock);
    g_cond_clear(&conn->closed_one);
    g_free(conn);
}

void
store_conn_retire(StoreConn *conn)
{
    StoreCluster *cluster = conn->cluster;
    StoreConn *gone = NULL;

    g_atomic_int_set(&conn->retired, 1);
    g_mutex_lock(&cluster->lock);
    if (cluster->conn == conn)
        gone = g_steal_pointer(&cluster->conn);
    g_mutex_unlock(&cluster->lock);
    store_conn_unref(gone);
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
configure(StoreConn *conn, GError **error)
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
        r = set_seconds(conn->rados, "rados_osd_op_timeout",
                        cluster->op_timeout_ms);
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
    return TRUE;
}

static StoreConn *
conn_new(StoreCluster *cluster, GError **error)
{
    g_autoptr(StoreConn) conn = g_new0(StoreConn, 1);

    conn->refs = 1;
    conn->cluster = cluster;
    conn->instance_fd = -1;
    g_mutex_init(&conn->closing_lock);
    g_cond_init(&conn->closed_one);
    if (!store_place_here(cluster->state_dir, &conn->place, error) ||
        !configure(conn, error) || !connect_and_name(conn, error))
        return NULL;
    if (!store_instance_open(cluster->run_dir, &conn->instance,
                             &conn->instance_path, &conn->instance_fd, error))
        return NULL;
    return g_steal_pointer(&conn);
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

/* Under lock: the connection that there is, or the refusal that is due.
 * Returns false when a connection has to be made. */
static bool
use_or_refuse(StoreCluster *cluster, StoreConn **ret_conn, GError **error)
{
    if (cluster->conn) {
        *ret_conn = store_conn_ref(cluster->conn);
        return true;
    }
    if (cluster->down_since_us == 0)
        return false;
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

/* A new connection becomes the cluster's, unless a probe's has done so while it
 * was made; then that is the one to use. */
static StoreConn *
publish(StoreCluster *cluster, StoreConn *made)
{
    StoreConn *used;

    g_mutex_lock(&cluster->lock);
    if (!cluster->conn)
        cluster->conn = store_conn_ref(made);
    used = store_conn_ref(cluster->conn);
    g_mutex_unlock(&cluster->lock);
    store_conn_unref(made);
    return used;
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

    if (!settled) {
        conn = conn_new(cluster, &why);
        if (conn && !learn_fsid(cluster, conn, &why))
            g_clear_pointer(&conn, store_conn_unref);
    }
    if (conn && !settled)
        conn = publish(cluster, conn);
    g_mutex_unlock(&cluster->connect_lock);

    if (g_error_matches(why, STORE_ERROR, STORE_ERROR_DOWN))
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

/* An answer from a monitor (the connection) and from an OSD (the stat; that
 * the object is missing is an answer too). */
static StoreConn *
probe_once(StoreCluster *cluster)
{
    g_autoptr(StoreConn) conn = conn_new(cluster, NULL);
    g_auto(StoreIo) io = NULL;
    uint64_t size;
    time_t when;
    int r;

    if (!conn || !learn_fsid(cluster, conn, NULL))
        return NULL;
    r = rados_ioctx_create(conn->rados, cluster->probe_pool, &io);
    if (r == -ENOENT)
        return g_steal_pointer(&conn);
    if (r >= 0)
        r = rados_stat(io, "rbd_directory", &size, &when);
    return r < 0 && r != -ENOENT ? NULL : g_steal_pointer(&conn);
}

/* Waits for the next attempt; false when the cluster is being closed. */
static bool
probe_pause(StoreCluster *cluster)
{
    gint64 until = g_get_monotonic_time() + PROBE_INTERVAL_US;
    bool go_on;

    g_mutex_lock(&cluster->lock);
    while (!cluster->closing &&
           g_cond_wait_until(&cluster->closed, &cluster->lock, until))
        continue;
    go_on = !cluster->closing;
    g_mutex_unlock(&cluster->lock);
    return go_on;
}

/* conn: what the probe was answered on, or NULL when the cluster is being
 * closed. False: it has been marked down once more meanwhile, and whoever did
 * has begun no other probe. */
static bool
probe_end(StoreCluster *cluster, StoreConn *conn)
{
    StoreConn *spare;
    bool end;

    g_mutex_lock(&cluster->lock);
    spare = cluster->conn ? conn : NULL;
    if (!cluster->conn)
        cluster->conn = conn;
    if (conn) {
        cluster->down_since_us = 0;
        g_clear_pointer(&cluster->down_cause, g_free);
    }
    g_mutex_unlock(&cluster->lock);
    store_conn_unref(spare);

    g_mutex_lock(&cluster->lock);
    end = cluster->down_since_us == 0 || cluster->closing;
    cluster->probing = !end;
    /* The last thing: after it the cluster may be gone. */
    if (end)
        g_cond_broadcast(&cluster->closed);
    g_mutex_unlock(&cluster->lock);
    return end;
}

static gpointer
probe_thread(gpointer opaque)
{
    StoreCluster *cluster = opaque;
    StoreConn *conn = cluster->probe_at_once ? probe_once(cluster) : NULL;

    do {
        while (!conn && probe_pause(cluster))
            conn = probe_once(cluster);
    } while (!probe_end(cluster, g_steal_pointer(&conn)));
    return NULL;
}

void
store_cluster_mark_down(StoreCluster *cluster, const char *cause)
{
    bool start;

    g_mutex_lock(&cluster->lock);
    if (cluster->down_since_us == 0) {
        cluster->down_since_us = g_get_monotonic_time();
        g_free(cluster->down_cause);
        cluster->down_cause = g_strdup(cause);
    }
    start = !cluster->probing && !cluster->closing;
    cluster->probing = cluster->probing || start;
    /* A probe that runs has read it. */
    if (start)
        cluster->probe_at_once = false;
    g_mutex_unlock(&cluster->lock);
    if (start)
        g_thread_unref(g_thread_new("store-probe", probe_thread, cluster));
}

bool
store_cluster_try(StoreCluster *cluster, gint64 down_s, guint wait_ms)
{
    gint64 now = g_get_monotonic_time();
    gint64 until = now + (gint64)wait_ms * 1000;
    bool works;

    g_mutex_lock(&cluster->lock);
    cluster->down_since_us = now - down_s * G_USEC_PER_SEC;
    cluster->down_cause = g_strdup("an earlier request waited in vain");
    cluster->probing = true;
    cluster->probe_at_once = true;
    g_thread_unref(g_thread_new("store-probe", probe_thread, cluster));
    while (cluster->probing &&
           g_cond_wait_until(&cluster->closed, &cluster->lock, until))
        continue;
    works = cluster->down_since_us == 0;
    g_mutex_unlock(&cluster->lock);
    return works;
}

void
store_cluster_suspect(StoreCluster *cluster)
{
    StoreConn *conn;

    g_mutex_lock(&cluster->lock);
    conn = cluster->conn ? store_conn_ref(cluster->conn) : NULL;
    g_mutex_unlock(&cluster->lock);
    if (conn)
        store_conn_retire(conn);
    store_conn_unref(conn);
    store_cluster_mark_down(cluster, "a request ran past its deadline");
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
     * that was lost writes to no image. So the connection stays in use. */
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
