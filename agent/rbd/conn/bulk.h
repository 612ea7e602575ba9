/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/bulk.h - many reads of a pool's objects, many at a time
 *
 * A read waits for the network, not for the one before it: a thousand of them,
 * with STORE_BULK_WINDOW under way, take little longer than a few one after the
 * other.
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_CONN_BULK_H
#define REMORA_AGENT_RBD_CONN_BULK_H

#include "agent/rbd/conn/aio.h"

#include <glib.h>

#define STORE_BULK_WINDOW 64u

/* What an operation writes to must stay until store_bulk_run() returns. */
typedef struct {
    char *object;       /* g_free() frees it */
    rados_read_op_t op; /* NULL: nothing is asked */
    StoreAio aio;
    int r; /* librados' number */
} StoreBulk;

/* n of them, of which nothing is asked yet. */
StoreBulk *store_bulk_new(guint n);
/* Begins what is to be asked of an object, whose name it takes over. */
rados_read_op_t store_bulk_ask(StoreBulk *one, char *object);
/* Asks all of it, and frees them but for r. */
void store_bulk_run(rados_ioctx_t io, StoreBulk *all, guint n);

#endif
