/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/image/plain.h - what the headers of many images say, without librbd
 *
 * librbd opens one image with some ten operations one after the other, and as
 * much work in its own threads. What a list shows of most images stands in
 * their headers, and is read of many at a time by the methods of the object
 * class that librbd has it by. An image that is not as plain as Glance's are,
 * one that has clones included, is left to librbd.
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_IMAGE_PLAIN_H
#define REMORA_AGENT_RBD_IMAGE_PLAIN_H

#include <glib.h>
#include <rados/librados.h>
#include <stdbool.h>

/* One with more snapshots is not plain. */
#define STORE_PLAIN_SNAPS 16u
/* So many images are to be given at once. */
#define STORE_PLAIN_MAX 512u

typedef struct StoreConn StoreConn;

typedef enum {
    STORE_PLAIN_UNKNOWN, /* librbd is to be asked */
    STORE_PLAIN_SNAP,    /* all below is known */
    STORE_PLAIN_NO_SNAP, /* it has no such snapshot */
} StorePlainState;

typedef struct {
    const char *name; /* of the image: what is asked */
    StorePlainState state;
    guint64 size;        /* of the snapshot, in bytes */
    bool protected_snap; /* the snapshot is */
    bool children_known; /* it has no clones; false: the user may not see all */
} StorePlain;

/* Looks for a snapshot of that name in n images, STORE_PLAIN_MAX at most, of
 * which only the names are set. librados' number. */
int store_plain_read(StoreConn *conn,
                     rados_ioctx_t io,
                     const char *snap,
                     StorePlain *images,
                     guint n);

/* The ids of its snapshots as 'get_snapcontext' answers; false: more than there
 * is room for, or no sense in it. Pure. */
bool store_plain_parse_snaps(const guint8 *data,
                             gsize len,
                             guint64 ids[STORE_PLAIN_SNAPS],
                             guint *ret_n);

#endif
