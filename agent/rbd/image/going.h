/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/going.h - images whose removal was cut short
 *
 * rbd_remove() moves an image to the trash first, as one that is being removed.
 * Cut short after that its name is free, although 'rbd ls' shows it, and neither
 * 'rbd trash ls' nor 'rbd trash purge' know it; rbd_remove() of the same name goes
 * on with it, as long as no new image has that name.
 *
 * Threads:  any; what takes a connection blocks. io is a rados_ioctx_t.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_GOING_H
#define REMORA_AGENT_RBD_IMAGE_GOING_H

#include "agent/rbd/conn/cluster.h"

typedef struct StoreConn StoreConn;

/* The ids of those of a name, and of those that were to be kept in the trash and
 * are not quite there; g_strfreev() it. */
char **store_going_ids(StoreConn *conn,
                       gpointer io,
                       const char *pool,
                       const char *image,
                       GError **error);
/* Removes that of an id for good, or if it was to be kept, sees that it is. Only
 * for who knows that nobody else is at work on it. */
gboolean store_going_finish(StoreConn *conn,
                            gpointer io,
                            const char *pool,
                            const char *image,
                            const char *id,
                            GError **error);
/* The first of the pools that has one of that name to be removed, or NULL.
 * g_free() it. */
char *store_going_find(StoreCluster *cluster,
                       const char *const *pools,
                       const char *image);

typedef struct {
    char *name; /* g_free() it */
    bool going; /* it is being removed, not kept */
    bool stuck; /* cut short before it was quite in the trash */
} StoreGoing;

/* An entry of the trash, in Ceph's encoding. FALSE: it makes no sense. Pure. */
gboolean
store_going_parse(const guint8 *data, gsize len, StoreGoing *ret_going);

#endif
