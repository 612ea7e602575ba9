/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/info.h - all that can be said of volumes
 *
 * Threads:  any; blocks.
 */
#ifndef REMORA_AGENT_RBD_VOLUME_INFO_H
#define REMORA_AGENT_RBD_VOLUME_INFO_H

#include "agent/rbd/conn/cluster.h"
#include "agent/rbd/volume/snaps.h"
#include "agent/rbd/volume/verdict.h"

typedef struct {
    char *pool;
    char *name; /* volume-UUID */
    StoreVolumeStatus status;
    guint64 size;
    char *parent;       /* 'pool/image@snap', or NULL */
    guint n_snapshots;  /* of every sort */
    char *claim_phase;  /* or NULL: nobody's */
    char *claim_host;   /* or NULL, as is the next */
    char *claim_domain; /* of the guest */
    /* What follows is only of store_volume_show(). */
    guint64 object_size;
    guint64 features; /* librbd's mask */
    guint luks;       /* the version that encrypts it; 0: none that is known */
    char *data_pool;  /* or NULL */
    gint64 created;   /* seconds since 1970 */
    guint depth;      /* how many volumes it stands on */
    char **watchers;  /* addresses */
    GPtrArray *snaps; /* of StoreVolumeSnap */
    GPtrArray *children;
    GPtrArray *unseen; /* of char *: pools that may have more, of format 1 */
} StoreVolume;

void store_volume_free(StoreVolume *volume);

/* Those of a pool by name, of StoreVolume; what is no volume is left out, and so
 * is what goes away meanwhile. */
GPtrArray *
store_volume_list(StoreCluster *cluster, const char *pool, GError **error);
/* STORE_ERROR_MISSING: there is none. */
StoreVolume *store_volume_show(StoreCluster *cluster,
                               const char *pool,
                               const char *name,
                               GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreVolume, store_volume_free)

#endif
