/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/cluster.c - one cluster: its settings, and a place for what is
 * kept for it
 */
#include "config.h"

#include "agent/rbd/conn/cluster.h"

struct StoreCluster {
    gint refs;
    StoreSettings settings; /* its strings are owned */
    GMutex lock;            /* guards the next; no other is taken under it */
    GPtrArray *parts;       /* of Part, in the order in which they were made */
};

typedef struct {
    const StorePart *kind;
    gpointer data;
} Part;

static void
part_free(gpointer opaque)
{
    Part *part = opaque;

    part->kind->clear(part->data);
    g_free(part->data);
    g_free(part);
}

StoreCluster *
store_cluster_new(const StoreSettings *settings)
{
    StoreCluster *cluster = g_new0(StoreCluster, 1);
    StoreSettings *own = &cluster->settings;

    cluster->refs = 1;
    *own = *settings;
    own->name = g_strdup(settings->name);
    own->conf = g_strdup(settings->conf);
    own->user = g_strdup(settings->user);
    own->keyring = g_strdup(settings->keyring);
    own->run_dir = g_strdup(settings->run_dir);
    own->state_dir = g_strdup(settings->state_dir);
    own->probe_pools =
        (const char *const *)g_strdupv((char **)settings->probe_pools);
    own->clone_data_pool = g_strdup(settings->clone_data_pool);
    g_mutex_init(&cluster->lock);
    cluster->parts = g_ptr_array_new_with_free_func(part_free);
    return cluster;
}

StoreCluster *
store_cluster_ref(StoreCluster *cluster)
{
    g_atomic_int_inc(&cluster->refs);
    return cluster;
}

static void
settings_clear(StoreSettings *settings)
{
    g_free((char *)settings->name);
    g_free((char *)settings->conf);
    g_free((char *)settings->user);
    g_free((char *)settings->keyring);
    g_free((char *)settings->run_dir);
    g_free((char *)settings->state_dir);
    g_strfreev((char **)settings->probe_pools);
    g_free((char *)settings->clone_data_pool);
}

static const Part *
part_at(StoreCluster *cluster, guint at)
{
    const Part *part = NULL;

    g_mutex_lock(&cluster->lock);
    if (at < cluster->parts->len)
        part = g_ptr_array_index(cluster->parts, at);
    g_mutex_unlock(&cluster->lock);
    return part;
}

/* The last made first, and then what was made meanwhile. */
static void
end_parts(StoreCluster *cluster)
{
    guint ended = 0;

    while (part_at(cluster, ended)) {
        guint until = ended;

        while (part_at(cluster, until))
            until++;
        for (guint i = until; i-- > ended;) {
            const Part *part = part_at(cluster, i);

            if (part && part->kind->end)
                part->kind->end(part->data);
        }
        ended = until;
    }
}

void
store_cluster_unref(StoreCluster *cluster)
{
    if (!cluster || !g_atomic_int_dec_and_test(&cluster->refs))
        return;
    end_parts(cluster);
    g_ptr_array_unref(cluster->parts);
    settings_clear(&cluster->settings);
    g_mutex_clear(&cluster->lock);
    g_free(cluster);
}

const StoreSettings *
store_settings(const StoreCluster *cluster)
{
    return &cluster->settings;
}

const char *
store_cluster_name(const StoreCluster *cluster)
{
    return cluster->settings.name;
}

const char *
store_cluster_user(const StoreCluster *cluster)
{
    return cluster->settings.user;
}

const char *
store_conf_path(const StoreCluster *cluster)
{
    return cluster->settings.conf ? cluster->settings.conf : "ceph.conf";
}

static gpointer
find_part(const StoreCluster *cluster, const StorePart *kind)
{
    for (guint i = 0; i < cluster->parts->len; i++) {
        const Part *part = g_ptr_array_index(cluster->parts, i);

        if (part->kind == kind)
            return part->data;
    }
    return NULL;
}

static gpointer
make_part(StoreCluster *cluster, const StorePart *kind)
{
    Part *part = g_new0(Part, 1);

    part->kind = kind;
    part->data = g_malloc0(kind->size);
    kind->init(part->data);
    g_ptr_array_add(cluster->parts, part);
    return part->data;
}

gpointer
store_cluster_part(const StoreCluster *cluster, const StorePart *kind)
{
    /* What is made at its first use does not change what the cluster is. */
    StoreCluster *whole = (StoreCluster *)cluster;
    gpointer data;

    g_mutex_lock(&whole->lock);
    data = find_part(whole, kind);
    if (!data)
        data = make_part(whole, kind);
    g_mutex_unlock(&whole->lock);
    return data;
}
