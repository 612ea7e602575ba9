/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/instance.h - this host's own instances, each a file that is locked
 *
 * The kernel drops the lock with the process, so a lock that can be had proves
 * death; a missing file proves nothing. run_dir is the directory of the cluster
 * (conn/own-dir.h).
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_INSTANCE_H
#define REMORA_AGENT_RBD_CONN_INSTANCE_H

#include "agent/rbd/conn/cluster.h"
#include "agent/rbd/conn/notes.h"

typedef enum {
    STORE_INSTANCE_UNKNOWN, /* not of this host, as far as can be seen */
    STORE_INSTANCE_LIVE,
    STORE_INSTANCE_DEAD,
} StoreInstanceState;

/* The file of one that is ours. */
typedef struct StoreInstance StoreInstance;

StoreInstance *store_instance_open(const char *run_dir, GError **error);
/* Owned by instance. */
const char *store_instance_id(const StoreInstance *instance);
/* NULL is allowed. Frees it, with the lock, and the file unless its notes still
 * say something. */
void store_instance_close(StoreInstance *instance);
void store_instance_note(StoreInstance *instance,
                         const char *verb,
                         const char *pool,
                         const char *image,
                         const char *owner);
/* The same with the guest's client. */
void store_instance_note_watch(StoreInstance *instance,
                               const char *pool,
                               const char *image,
                               const char *owner,
                               const char *watch);
/* Writes down as our own what a dead one noted. */
void store_instance_inherit(StoreInstance *instance, const StoreNote *note);

/* ret_handed_s: seconds since the instance handed this image to owner, or -1
 * when it did not. */
StoreInstanceState store_instance_look(const char *run_dir,
                                       const char *id,
                                       const char *pool,
                                       const char *image,
                                       int *ret_handed_s);
/* What any process of this host, living or dead, noted of an image last; NULL:
 * nothing that still stands. store_note_free() it. */
StoreNote *store_instance_find_note(const char *run_dir,
                                    const char *pool,
                                    const char *image);

/* An instance that is proved dead, and stays so: its shared lock is held. */
typedef struct {
    char *id;
    char *path;
    int fd;
    GHashTable *notes;
} StoreDead;

/* Of StoreDead, at most so many at a time; those whose id is in skip are left
 * out. */
#define STORE_DEAD_MAX 256u
GPtrArray *store_instances_dead(const char *run_dir, GHashTable *skip);

typedef struct {
    char *pool;
    char *image;
    char *owner;
} StoreNoted;

void store_noted_free(StoreNoted *noted);
/* The images that processes of this host, living and dead, have noted that they
 * claimed or asked to, and for whom last; whether there is a claim, store_state()
 * says. Of StoreNoted, each image once; owner: only that domain's, NULL: all. Does
 * not connect. */
GPtrArray *store_claims_noted(const StoreCluster *cluster, const char *owner);

#endif
