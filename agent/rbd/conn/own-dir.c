/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/own-dir.c - where this host's notes about a cluster are
 *
 * An agent that knew one cluster only had its files in run_dir itself, and so has
 * the first cluster still: that is written down, for clusters may be put into
 * another order. The others have a directory of their fsid's name in it.
 */
#include "config.h"

#include "agent/rbd/conn/own-dir.h"

#include "agent/rbd/conn/seen.h"

#include <string.h>

typedef struct {
    GMutex lock;    /* guards all of it */
    bool looked;    /* for what was known of the fsid earlier */
    char *dir;      /* NULL: not known yet */
    GPtrArray *old; /* what it was before: that may still be borrowed */
} OwnDir;

static void
own_dir_init(gpointer opaque)
{
    OwnDir *own = opaque;

    g_mutex_init(&own->lock);
    own->old = g_ptr_array_new_with_free_func(g_free);
}

static void
own_dir_clear(gpointer opaque)
{
    OwnDir *own = opaque;

    g_mutex_clear(&own->lock);
    g_free(own->dir);
    g_ptr_array_unref(own->old);
}

static OwnDir *
own_dir_of(const StoreCluster *cluster)
{
    static const StorePart part = {sizeof(OwnDir), own_dir_init, NULL,
                                   own_dir_clear};

    return store_cluster_part(cluster, &part);
}

static char *
owner_path(const StoreCluster *cluster)
{
    return g_build_filename(store_settings(cluster)->run_dir, "fsid", NULL);
}

/* The fsid of the cluster that run_dir itself is of; NULL: not yet any. */
static char *
owner_of_run_dir(const StoreCluster *cluster)
{
    g_autofree char *path = owner_path(cluster);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return NULL;
    g_strstrip(text);
    return text[0] ? g_steal_pointer(&text) : NULL;
}

/* fsid NULL: it is not known. */
static char *
choose(const StoreCluster *cluster, const char *fsid)
{
    const StoreSettings *settings = store_settings(cluster);
    g_autofree char *owner = owner_of_run_dir(cluster);

    if (owner ? g_strcmp0(owner, fsid) == 0 : settings->inherits)
        return g_strdup(settings->run_dir);
    return fsid ? g_build_filename(settings->run_dir, fsid, NULL) : NULL;
}

/* Under the lock. */
static void
set(OwnDir *own, const StoreCluster *cluster, const char *fsid)
{
    g_autofree char *dir = choose(cluster, fsid);

    own->looked = true;
    if (!dir || g_strcmp0(own->dir, dir) == 0)
        return;
    if (own->dir)
        g_ptr_array_add(own->old, own->dir);
    own->dir = g_steal_pointer(&dir);
}

const char *
store_own_dir(const StoreCluster *cluster)
{
    OwnDir *own = own_dir_of(cluster);
    const char *dir;

    g_mutex_lock(&own->lock);
    if (!own->looked) {
        g_auto(StoreSeen) seen = {0};

        store_seen_read(cluster, &seen);
        set(own, cluster, seen.fsid);
    }
    dir = own->dir;
    g_mutex_unlock(&own->lock);
    return dir;
}

/* Without the file the order of the clusters decides again. */
void
store_own_dir_take(const StoreCluster *cluster, const char *fsid)
{
    const char *run_dir = store_settings(cluster)->run_dir;
    OwnDir *own = own_dir_of(cluster);
    g_autofree char *path = owner_path(cluster);
    g_autofree char *owner = owner_of_run_dir(cluster);

    g_mutex_lock(&own->lock);
    set(own, cluster, fsid);
    if (!owner && g_strcmp0(own->dir, run_dir) == 0)
        (void)g_file_set_contents_full(
            path, fsid, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
    g_mutex_unlock(&own->lock);
}
