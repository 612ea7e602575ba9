/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/purge-facts.h - what decides whether an image may go from the trash
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_PURGE_FACTS_H
#define REMORA_AGENT_RBD_IMAGE_PURGE_FACTS_H

#include "agent/rbd/image/purge-verdict.h"

typedef struct StoreConn StoreConn;

/* What store_purge_facts_read() has found. Begins as nothing but zeroes. */
typedef struct {
    StorePurgeFacts facts; /* but for the task, of which it knows nothing */
    GPtrArray *children;   /* of StoreChild: all, those that go first, too */
    char **watchers;
} StorePurgeSeen;

void store_purge_seen_clear(StorePurgeSeen *seen);
/* io is a rados_ioctx_t, handle an rbd_image_t. first: a set of what goes before it, as
 * store_purge_key() and store_purge_snap_key() call it, and which is not counted; or
 * NULL. librbd's number. */
int store_purge_facts_read(StoreConn *conn,
                           gpointer io,
                           gpointer handle,
                           GHashTable *first,
                           StorePurgeSeen *ret_seen);

/* What an image is called in such a set, pool by number. Pure, as is the next; g_free()
 * it. */
char *store_purge_key(gint64 pool, const char *space, const char *id);
/* The same of a snapshot. */
char *store_purge_snap_key(gint64 pool,
                           const char *space,
                           const char *id,
                           guint64 snap_id);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StorePurgeSeen, store_purge_seen_clear)

#endif
