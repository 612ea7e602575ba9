/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/children.h - the clones of an image, as far as they can be seen
 *
 * librbd lists all of them or, if one is where this user may not look, none. But
 * clones of format 2 stand in the parent's own header, so those are always all
 * known, if not by name; only format 1 has them in the pool of the clone.
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_CHILDREN_H
#define REMORA_AGENT_RBD_IMAGE_CHILDREN_H

#include <glib.h>
#include <stdbool.h>

typedef struct StoreConn StoreConn;

/* A clone of an image. */
typedef struct {
    char *pool;     /* NULL: a pool that is gone */
    char *space;    /* the namespace in it; "" is the usual one */
    char *id;       /* what RBD calls it */
    char *image;    /* NULL: in the trash, or this user may not see it */
    gint64 pool_id; /* the cluster's number of it */
    guint format;   /* of the clone: 1 or 2 */
    bool trash;     /* it is in the trash */
} StoreChild;

void store_child_free(StoreChild *child);

/* Adds the clones of all snapshots of the image to children (of StoreChild), and
 * the names of pools that may hold more, of format 1, to unseen (of char *).
 * io is a rados_ioctx_t, handle an rbd_image_t. librbd's number. */
int store_children_read(StoreConn *conn,
                        gpointer io,
                        gpointer handle,
                        GPtrArray *children,
                        GPtrArray *unseen);

/* The first few of them in words, of one format only, or of any if that is 0.
 * Pure; g_free() it. */
char *store_children_text(const GPtrArray *children, guint format);

/* What the object classes 'children_list' and 'get_children' answer. Pure; -EBADMSG
 * for what makes no sense. children gets StoreChild with pool_id, id and space. */
int store_children_parse_v2(const guint8 *data, gsize len, GPtrArray *children);
int store_children_parse_v1(const guint8 *data, gsize len, GPtrArray *children);

#endif
