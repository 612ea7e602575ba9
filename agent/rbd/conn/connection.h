/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/connection.h - a connection to the cluster, and which one is in use
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_CONNECTION_H
#define REMORA_AGENT_RBD_CONN_CONNECTION_H

#include "agent/rbd/conn/instance.h"
#include "agent/rbd/conn/place.h"

#include <rados/librados.h>

/* connection.c */
typedef struct StoreConnLife StoreConnLife;

/* One RADOS connection. Counted: each job holds one reference, so that a
 * retired connection lives until the last job that uses it has ended. */
typedef struct StoreConn {
    rados_t rados;
    const char *instance;  /* random id of this connection */
    StoreInstance *file;   /* what keeps it, and notes */
    char *addr;            /* as the OSD map's blocklist wants it */
    StorePlace place;      /* where this process is */
    StoreCluster *cluster; /* borrowed */
    StoreConnLife *life;
} StoreConn;

/* A connection ends in one of two ways.
 *
 * Aside: a call on it timed out. What that call wrote may still arrive, so
 * that nothing more is begun on it, and the request whose call it was writes
 * nothing more to its image, nor to its claim, which it leaves as it is. What
 * others have under way on it goes on to its end, and their claims stay valid
 * and are touched on it. store_conn_acquire() gives out another one.
 *
 * Retired: it is on the blocklist. Nothing reaches the cluster by it any more,
 * and nothing is tried again under the claims that are held by it. */
bool store_conn_is_aside(const StoreConn *conn);
bool store_conn_is_retired(const StoreConn *conn);
void store_conn_set_aside(StoreConn *conn);
void store_conn_retire(StoreConn *conn);
/* Whether who has failed with why may still write to what that was about. */
bool store_conn_may_write(const StoreConn *conn, const GError *why);
StoreConn *store_conn_ref(StoreConn *conn);
void store_conn_unref(StoreConn *conn);
/* A call that ends by itself has begun on it (1), or has ended (-1), and its
 * callback touches nothing of it any more. The connection waits for all. */
void store_conn_count(StoreConn *conn, int change);

/* With so short a patience, and without an instance file: for a probe. */
StoreConn *
store_conn_open(StoreCluster *cluster, guint op_timeout_ms, GError **error);
/* Commands of the monitors and of the manager wait for ever on it, once it is
 * there. No instance file either. */
StoreConn *store_conn_open_patient(StoreCluster *cluster, GError **error);
/* The one in use, a reference; made if there is none and admit lets it, which
 * ret_tried says, and what comes meanwhile shares that one attempt. Blocks. */
StoreConn *store_conn_in_use(StoreCluster *cluster,
                             gboolean (*admit)(StoreCluster *cluster,
                                               GError **error),
                             bool *ret_tried,
                             GError **error);
/* Whether there is one at this moment. Does not block. */
bool store_conn_is_there(const StoreCluster *cluster);
/* Before a connection is acquired on which a snapshot may be unprotected: librbd
 * (16.2.15) waits for the newest OSD map meanwhile, in the thread that would have
 * to take it in, so that one thread would wait for ever. A tool does that, the
 * agent never. */
void store_conn_will_unprotect(StoreCluster *cluster);
/* Whether any connection of this process may be such a one. */
bool store_conn_has_two_threads(void);
/* Sets the one in use aside, and nobody gets it any more. */
void store_conn_give_up(StoreCluster *cluster);
/* What the first connection learnt; owned by the cluster; NULL: there was none
 * yet. */
const char *store_conn_fsid(StoreCluster *cluster);

static inline void
store_ioctx_clear(rados_ioctx_t *io)
{
    if (*io)
        rados_ioctx_destroy(*io);
    *io = NULL;
}

typedef rados_ioctx_t StoreIo;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StoreIo, store_ioctx_clear)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreConn, store_conn_unref)

#endif
