/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/mgr.c - a command to the cluster's manager, which may never answer
 *
 * A manager's module can hang, and its command with it. librados does end the
 * wait after rados_mon_op_timeout, but writes an answer that comes later to where
 * the caller's stack was (seen in the source of 16.2 and later). So commands go
 * over a connection of their own that waits for ever, in a thread of its own; the
 * timeout ends the wait for that thread. While a command has no answer there is no
 * other, and so there is one such thread for each cluster, which ends when it has
 * had nothing to do for a while.
 */
#include "config.h"

#include "agent/rbd/conn/mgr.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"

#include <errno.h>

#define IDLE_US (30 * G_USEC_PER_SEC)

/* One command, of who waits and of the thread; all under Mgr's lock. */
typedef struct {
    int refs;
    char *command;
    bool done;
    int r;
    char *text;
    gsize len;
} Order;

typedef struct {
    GMutex lock; /* guards all of it */
    GCond changed;
    Order *waiting; /* for the thread, a reference; or NULL */
    bool busy;      /* one has no answer yet */
    bool runs;      /* the thread */
} Mgr;

static void
mgr_init(gpointer opaque)
{
    Mgr *mgr = opaque;

    g_mutex_init(&mgr->lock);
    g_cond_init(&mgr->changed);
}

static void
mgr_clear(gpointer opaque)
{
    Mgr *mgr = opaque;

    g_mutex_clear(&mgr->lock);
    g_cond_clear(&mgr->changed);
}

static Mgr *
mgr_of(const StoreCluster *cluster)
{
    static const StorePart part = {sizeof(Mgr), mgr_init, NULL, mgr_clear};

    return store_cluster_part(cluster, &part);
}

static void
order_unref(Order *order)
{
    if (--order->refs > 0)
        return;
    g_free(order->command);
    g_free(order->text);
    g_free(order);
}

static void
take_answer(Order *order, int r, const char *out, size_t len)
{
    order->r = r >= 0 && len > STORE_JSON_MAX ? -E2BIG : MIN(r, 0);
    if (order->r < 0)
        return;
    order->text = g_strndup(out ? out : "", len);
    order->len = len;
}

/* Not under the lock; nobody else reads the order meanwhile. */
static void
run(StoreConn *conn, Order *order)
{
    const char *commands[] = {order->command};
    char *out = NULL;
    char *status = NULL;
    size_t out_len = 0;
    size_t status_len = 0;
    int r = rados_mgr_command(conn->rados, commands, 1, "", 0, &out, &out_len,
                              &status, &status_len);

    take_answer(order, r, out, out_len);
    rados_buffer_free(out);
    rados_buffer_free(status);
}

/* Under the lock: the next one, or NULL after a while without any. */
static Order *
next_order(Mgr *mgr)
{
    gint64 until = g_get_monotonic_time() + IDLE_US;

    while (!mgr->waiting)
        if (!g_cond_wait_until(&mgr->changed, &mgr->lock, until))
            break;
    return g_steal_pointer(&mgr->waiting);
}

static void
serve(StoreCluster *cluster, StoreConn **conn, Order *order)
{
    if (!*conn)
        *conn = store_conn_open_patient(cluster, NULL);
    if (*conn)
        run(*conn, order);
    else
        order->r = -ENOTCONN;
    /* A connection that is of no use any more is made anew. */
    if (order->r == -ESHUTDOWN)
        g_clear_pointer(conn, store_conn_unref);
}

/* It has a reference to the cluster, which ends with it, so that what hangs never
 * finds the cluster gone. */
static gpointer
mgr_thread(gpointer opaque)
{
    g_autoptr(StoreCluster) cluster = opaque;
    g_autoptr(StoreConn) conn = NULL;
    Mgr *mgr = mgr_of(cluster);
    Order *order;

    g_mutex_lock(&mgr->lock);
    while ((order = next_order(mgr)) != NULL) {
        g_mutex_unlock(&mgr->lock);
        serve(cluster, &conn, order);
        g_mutex_lock(&mgr->lock);
        order->done = true;
        mgr->busy = false;
        order_unref(order);
        g_cond_broadcast(&mgr->changed);
    }
    mgr->runs = false;
    g_mutex_unlock(&mgr->lock);
    /* Before the cluster, which it borrows. */
    g_clear_pointer(&conn, store_conn_unref);
    return NULL;
}

/* Under the lock. false: the time is up. */
static bool
wait_while(Mgr *mgr, const bool *flag, bool is, gint64 until)
{
    while (*flag == is)
        if (!g_cond_wait_until(&mgr->changed, &mgr->lock, until))
            return *flag != is;
    return true;
}

/* Under the lock. */
static Order *
begin(Mgr *mgr, StoreCluster *cluster, const char *command)
{
    Order *order = g_new0(Order, 1);

    order->refs = 2;
    order->command = g_strdup(command);
    mgr->waiting = order;
    mgr->busy = true;
    if (!mgr->runs)
        g_thread_unref(
            g_thread_new("store-mgr", mgr_thread, store_cluster_ref(cluster)));
    mgr->runs = true;
    g_cond_broadcast(&mgr->changed);
    return order;
}

int
store_mgr_command(StoreCluster *cluster,
                  const char *command,
                  guint timeout_ms,
                  char **ret_text,
                  gsize *ret_len)
{
    gint64 until = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    Mgr *mgr = mgr_of(cluster);
    int r = -ETIMEDOUT;

    g_mutex_lock(&mgr->lock);
    if (wait_while(mgr, &mgr->busy, true, until)) {
        Order *order = begin(mgr, cluster, command);

        if (wait_while(mgr, &order->done, false, until))
            r = order->r;
        if (r == 0) {
            *ret_text = g_steal_pointer(&order->text);
            *ret_len = order->len;
        }
        order_unref(order);
    }
    g_mutex_unlock(&mgr->lock);
    return r;
}
