/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/work.c - which disks this process is at work on
 *
 * For whoever waits and wants to know for what (disk/full.c, conn/probe.c), and
 * for what a call was about that has timed out.
 */
#include "config.h"

#include "agent/rbd/conn/work.h"

typedef struct {
    GMutex lock;    /* guards the next */
    GPtrArray *all; /* of StoreWork, under way; borrowed */
} Works;

static void
works_init(gpointer opaque)
{
    Works *works = opaque;

    g_mutex_init(&works->lock);
    works->all = g_ptr_array_new();
}

static void
works_clear(gpointer opaque)
{
    Works *works = opaque;

    g_mutex_clear(&works->lock);
    g_ptr_array_unref(works->all);
}

static Works *
works_of(const StoreCluster *cluster)
{
    static const StorePart part = {sizeof(Works), works_init, NULL,
                                   works_clear};

    return store_cluster_part(cluster, &part);
}

void
store_work_begin(StoreCluster *cluster, StoreWork *work)
{
    Works *works = works_of(cluster);

    work->since_us = g_get_monotonic_time();
    work->thread = g_thread_self();
    work->hung = false;
    g_mutex_lock(&works->lock);
    g_ptr_array_add(works->all, work);
    g_mutex_unlock(&works->lock);
}

void
store_work_end(StoreCluster *cluster, StoreWork *work)
{
    Works *works = works_of(cluster);

    g_mutex_lock(&works->lock);
    g_ptr_array_remove_fast(works->all, work);
    g_mutex_unlock(&works->lock);
    if (!work->hung)
        store_stalls_went(cluster, &work->target, work->since_us);
}

void
store_work_note_hung(StoreCluster *cluster)
{
    Works *works = works_of(cluster);

    g_mutex_lock(&works->lock);
    for (guint i = 0; i < works->all->len; i++) {
        StoreWork *work = g_ptr_array_index(works->all, i);

        if (work->thread != g_thread_self())
            continue;
        work->hung = true;
        store_stalls_suspect_target(cluster, &work->target);
    }
    g_mutex_unlock(&works->lock);
}

static bool
is_for(const StoreWork *work, const char *waiter)
{
    return g_strcmp0(work->waiter, waiter) == 0 ||
           g_strcmp0(work->owner, waiter) == 0;
}

void
store_work_suspect(StoreCluster *cluster, const char *waiter)
{
    Works *works = works_of(cluster);

    g_mutex_lock(&works->lock);
    for (guint i = 0; i < works->all->len; i++) {
        const StoreWork *work = g_ptr_array_index(works->all, i);

        if (is_for(work, waiter))
            store_stalls_suspect_target(cluster, &work->target);
    }
    g_mutex_unlock(&works->lock);
}

bool
store_work_any(const StoreCluster *cluster, const char *waiter)
{
    Works *works = works_of(cluster);
    bool any = false;

    g_mutex_lock(&works->lock);
    for (guint i = 0; !any && i < works->all->len; i++)
        any = is_for(g_ptr_array_index(works->all, i), waiter);
    g_mutex_unlock(&works->lock);
    return any;
}

bool
store_work_oldest(StoreCluster *cluster,
                  const char *waiter,
                  gint64 before_us,
                  void (*see)(const StoreTarget *target, gpointer data),
                  gpointer data)
{
    Works *works = works_of(cluster);
    gint64 oldest = before_us;
    const StoreTarget *target = NULL;

    g_mutex_lock(&works->lock);
    for (guint i = 0; i < works->all->len; i++) {
        const StoreWork *work = g_ptr_array_index(works->all, i);

        if (work->since_us > oldest || !is_for(work, waiter))
            continue;
        oldest = work->since_us;
        target = &work->target;
    }
    if (target)
        see(target, data);
    g_mutex_unlock(&works->lock);
    return target != NULL;
}
