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

#include "agent/rbd/conn/connection.h"

#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/own-dir.h"

#include <errno.h>
#include <unistd.h>

/* What no other file is to touch. */
struct StoreConnLife {
    gint refs;
    gint retired; /* atomic: fenced, nothing is written on it */
    gint aside;   /* atomic: given up for new work */
    GMutex lock;  /* guards the next */
    int pending;  /* calls that end by themselves */
    GCond ended;
};

typedef struct {
    GMutex connecting; /* held across rados_connect(), so that who waits shares
                        * one attempt; taken before the next */
    GMutex lock;       /* guards the next */
    StoreConn *conn;   /* NULL: not connected */
    char *fsid;        /* set once */
    bool unprotects;   /* see store_conn_will_unprotect() */
} InUse;

static void
in_use_init(gpointer opaque)
{
    InUse *in_use = opaque;

    g_mutex_init(&in_use->connecting);
    g_mutex_init(&in_use->lock);
}

static void
in_use_end(gpointer opaque)
{
    InUse *in_use = opaque;
    StoreConn *conn;

    g_mutex_lock(&in_use->lock);
    conn = g_steal_pointer(&in_use->conn);
    g_mutex_unlock(&in_use->lock);
    store_conn_unref(conn);
}

static void
in_use_clear(gpointer opaque)
{
    InUse *in_use = opaque;

    g_free(in_use->fsid);
    g_mutex_clear(&in_use->connecting);
    g_mutex_clear(&in_use->lock);
}

static InUse *
in_use_of(const StoreCluster *cluster)
{
    static const StorePart part = {sizeof(InUse), in_use_init, in_use_end,
                                   in_use_clear};

    return store_cluster_part(cluster, &part);
}

/* ---- one connection ---------------------------------------------------------- */

StoreConn *
store_conn_ref(StoreConn *conn)
{
    g_atomic_int_inc(&conn->life->refs);
    return conn;
}

void
store_conn_count(StoreConn *conn, int change)
{
    g_mutex_lock(&conn->life->lock);
    conn->life->pending += change;
    /* Whoever waits for the last one frees conn, so this is the last touch. */
    g_cond_signal(&conn->life->ended);
    g_mutex_unlock(&conn->life->lock);
}

static void
wait_for_pending(StoreConnLife *life)
{
    g_mutex_lock(&life->lock);
    while (life->pending > 0)
        g_cond_wait(&life->ended, &life->lock);
    g_mutex_unlock(&life->lock);
}

static void
life_free(StoreConnLife *life)
{
    g_mutex_clear(&life->lock);
    g_cond_clear(&life->ended);
    g_free(life);
}

void
store_conn_unref(StoreConn *conn)
{
    if (!conn || !g_atomic_int_dec_and_test(&conn->life->refs))
        return;
    wait_for_pending(conn->life);
    if (conn->rados)
        rados_shutdown(conn->rados);
    /* Only now can nothing of this instance reach the cluster any more, so
     * only now may the lock that proves its life go. */
    store_instance_close(conn->file);
    g_free(conn->addr);
    store_place_clear(&conn->place);
    life_free(conn->life);
    g_free(conn);
}

bool
store_conn_is_aside(const StoreConn *conn)
{
    return g_atomic_int_get(&conn->life->aside);
}

bool
store_conn_is_retired(const StoreConn *conn)
{
    return g_atomic_int_get(&conn->life->retired);
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
    InUse *in_use = in_use_of(conn->cluster);
    StoreConn *gone = NULL;

    g_mutex_lock(&in_use->lock);
    if (in_use->conn == conn)
        gone = g_steal_pointer(&in_use->conn);
    g_mutex_unlock(&in_use->lock);
    store_conn_unref(gone);
}

void
store_conn_set_aside(StoreConn *conn)
{
    g_atomic_int_set(&conn->life->aside, 1);
    withdraw(conn);
}

/* Of any cluster: what an open image belongs to is not known where it is closed. */
static gint any_unprotects;

bool
store_conn_is_there(const StoreCluster *cluster)
{
    InUse *in_use = in_use_of(cluster);
    bool there;

    g_mutex_lock(&in_use->lock);
    there = in_use->conn != NULL;
    g_mutex_unlock(&in_use->lock);
    return there;
}

void
store_conn_will_unprotect(StoreCluster *cluster)
{
    InUse *in_use = in_use_of(cluster);
    StoreConn *gone = NULL;

    g_atomic_int_set(&any_unprotects, 1);
    g_mutex_lock(&in_use->lock);
    if (!in_use->unprotects)
        gone = g_steal_pointer(&in_use->conn);
    in_use->unprotects = true;
    g_mutex_unlock(&in_use->lock);
    store_conn_unref(gone);
}

bool
store_conn_has_two_threads(void)
{
    return g_atomic_int_get(&any_unprotects);
}

void
store_conn_retire(StoreConn *conn)
{
    g_atomic_int_set(&conn->life->retired, 1);
    withdraw(conn);
}

static const char *
threads_of(StoreCluster *cluster)
{
    InUse *in_use = in_use_of(cluster);
    bool unprotects;

    g_mutex_lock(&in_use->lock);
    unprotects = in_use->unprotects;
    g_mutex_unlock(&in_use->lock);
    return unprotects ? "2" : "1";
}

/* librados takes whole seconds; round up, so that no limit becomes 0, which
 * means none. */
static int
set_seconds(rados_t rados, const char *key, guint milliseconds)
{
    g_autofree char *text = g_strdup_printf("%u", (milliseconds + 999) / 1000);

    return rados_conf_set(rados, key, text);
}

static gboolean
configure(StoreConn *conn,
          guint mon_timeout_ms,
          guint op_timeout_ms,
          GError **error)
{
    static const char *const settings[][2] = {
        /* What librados would print on stderr comes back as an error, too. */
        {"log_to_stderr", "false"},
        {"err_to_stderr", "false"},
        /* What is written here is written once, so a cache for each image
         * that is opened costs time and saves none. */
        {"rbd_cache", "false"},
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
    const StoreSettings *own = store_settings(conn->cluster);
    int r = rados_create(&conn->rados, own->user);

    if (r < 0)
        return store_explain(error, r, "cannot set up a connection");
    r = rados_conf_read_file(conn->rados, own->conf);
    if (r < 0)
        return store_explain(error, r, "cannot read '%s'",
                             store_conf_path(conn->cluster));
    if (own->keyring) {
        if (access(own->keyring, R_OK) != 0)
            return store_refuse(error, STORE_ERROR_FAILED,
                                "cannot read the keyring '%s': does it exist, "
                                "and may this user read it?",
                                own->keyring);
        r = rados_conf_set(conn->rados, "keyring", own->keyring);
    }
    if (r >= 0)
        r = set_seconds(conn->rados, "client_mount_timeout",
                        own->connect_timeout_ms);
    if (r >= 0)
        r = set_seconds(conn->rados, "rados_mon_op_timeout", mon_timeout_ms);
    if (r >= 0)
        r = set_seconds(conn->rados, "rados_osd_op_timeout", op_timeout_ms);
    for (gsize i = 0; r >= 0 && i < G_N_ELEMENTS(settings); i++)
        r = rados_conf_set(conn->rados, settings[i][0], settings[i][1]);
    /* With more than one, librbd (16.2.15) touches an image once more that
     * another thread may have closed meanwhile, and freed (image/close.c). */
    if (r >= 0)
        r = rados_conf_set(conn->rados, "librados_thread_count",
                           threads_of(conn->cluster));
    if (r < 0)
        return store_explain(error, r, "cannot set the time limits");
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
                        store_cluster_name(conn->cluster),
                        r == -ENOENT ? "there is no key of"
                                     : "there is no usable key of",
                        store_cluster_user(conn->cluster), places,
                        store_cluster_user(conn->cluster));
}

static gboolean
connect_and_name(StoreConn *conn, GError **error)
{
    char *addr = NULL;
    int r = rados_connect(conn->rados);

    if (r == -ENOENT || r == -EINVAL || r == -EIO)
        return refuse_keyring(conn, r, error);
    if (r < 0)
        return store_explain(error, r,
                             "cannot connect to cluster '%s' as 'client.%s'",
                             store_cluster_name(conn->cluster),
                             store_cluster_user(conn->cluster));
    r = rados_getaddrs(conn->rados, &addr);
    if (r < 0)
        return store_explain(error, r, "cannot learn our own address");
    conn->addr = g_strdup(addr);
    rados_buffer_free(addr);
    return TRUE;
}

static gboolean
learn_fsid(StoreCluster *cluster, StoreConn *conn, GError **error)
{
    InUse *in_use = in_use_of(cluster);
    char text[64] = "";
    int r = rados_cluster_fsid(conn->rados, text, sizeof(text));

    if (r < 0)
        return store_explain(error, r, "cannot read the cluster's id");
    g_mutex_lock(&in_use->lock);
    if (!in_use->fsid)
        in_use->fsid = g_strdup(text);
    g_mutex_unlock(&in_use->lock);
    store_own_dir_take(cluster, text);
    return TRUE;
}

static StoreConn *
open_conn(StoreCluster *cluster,
          guint mon_timeout_ms,
          guint op_timeout_ms,
          GError **error)
{
    g_autoptr(StoreConn) conn = g_new0(StoreConn, 1);

    conn->life = g_new0(StoreConnLife, 1);
    conn->life->refs = 1;
    g_mutex_init(&conn->life->lock);
    g_cond_init(&conn->life->ended);
    conn->cluster = cluster;
    if (!configure(conn, mon_timeout_ms, op_timeout_ms, error) ||
        !connect_and_name(conn, error) || !learn_fsid(cluster, conn, error))
        return NULL;
    return g_steal_pointer(&conn);
}

StoreConn *
store_conn_open(StoreCluster *cluster, guint op_timeout_ms, GError **error)
{
    return open_conn(cluster, store_settings(cluster)->connect_timeout_ms,
                     op_timeout_ms, error);
}

StoreConn *
store_conn_open_patient(StoreCluster *cluster, GError **error)
{
    return open_conn(cluster, 0, store_settings(cluster)->op_timeout_ms, error);
}

static StoreConn *
conn_new(StoreCluster *cluster, GError **error)
{
    const StoreSettings *own = store_settings(cluster);
    g_autoptr(StoreConn) conn =
        store_conn_open(cluster, own->op_timeout_ms, error);

    if (!conn || !store_place_here(own->state_dir, &conn->place, error))
        return NULL;
    conn->file = store_instance_open(store_own_dir(cluster), error);
    if (!conn->file)
        return NULL;
    conn->instance = store_instance_id(conn->file);
    return g_steal_pointer(&conn);
}

/* ---- the one in use ---------------------------------------------------------- */

static StoreConn *
in_use_ref(InUse *in_use)
{
    StoreConn *conn;

    g_mutex_lock(&in_use->lock);
    conn = in_use->conn ? store_conn_ref(in_use->conn) : NULL;
    g_mutex_unlock(&in_use->lock);
    return conn;
}

static void
publish(InUse *in_use, StoreConn *conn)
{
    g_mutex_lock(&in_use->lock);
    in_use->conn = store_conn_ref(conn);
    g_mutex_unlock(&in_use->lock);
}

StoreConn *
store_conn_in_use(StoreCluster *cluster,
                  gboolean (*admit)(StoreCluster *cluster, GError **error),
                  bool *ret_tried,
                  GError **error)
{
    InUse *in_use = in_use_of(cluster);
    StoreConn *conn = NULL;

    *ret_tried = false;
    g_mutex_lock(&in_use->connecting);
    if (admit(cluster, error)) {
        conn = in_use_ref(in_use);
        *ret_tried = conn == NULL;
    }
    if (*ret_tried)
        conn = conn_new(cluster, error);
    if (*ret_tried && conn)
        publish(in_use, conn);
    g_mutex_unlock(&in_use->connecting);
    return conn;
}

void
store_conn_give_up(StoreCluster *cluster)
{
    InUse *in_use = in_use_of(cluster);
    StoreConn *conn;

    g_mutex_lock(&in_use->lock);
    conn = g_steal_pointer(&in_use->conn);
    g_mutex_unlock(&in_use->lock);
    if (conn)
        g_atomic_int_set(&conn->life->aside, 1);
    store_conn_unref(conn);
}

const char *
store_conn_fsid(StoreCluster *cluster)
{
    InUse *in_use = in_use_of(cluster);
    const char *fsid;

    g_mutex_lock(&in_use->lock);
    fsid = in_use->fsid;
    g_mutex_unlock(&in_use->lock);
    return fsid;
}
