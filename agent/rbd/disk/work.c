/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/work.c - which disks this process is at work on
 *
 * For whoever waits and wants to know for what (disk/full.c, conn/stall.c),
 * and so that of two of this process who want one disk the second does not take
 * the claim from the first, whose work it would take for that of a dead builder.
 */
#include "config.h"

#include "agent/rbd/store-internal.h"

#include <string.h>

void
store_work_begin(StoreCluster *cluster, StoreWork *work, const StoreDisk *disk)
{
    work->disk = disk;
    work->since_us = g_get_monotonic_time();
    work->thread = g_thread_self();
    work->hung = false;
    g_mutex_lock(&cluster->lock);
    g_ptr_array_add(cluster->work, work);
    g_mutex_unlock(&cluster->lock);
}

void
store_work_end(StoreCluster *cluster, StoreWork *work)
{
    g_mutex_lock(&cluster->lock);
    g_ptr_array_remove_fast(cluster->work, work);
    g_mutex_unlock(&cluster->lock);
    if (!work->hung)
        store_stalls_went(cluster->stalls, work->disk, work->since_us);
}

void
store_work_note_hung(StoreCluster *cluster)
{
    g_mutex_lock(&cluster->lock);
    for (guint i = 0; i < cluster->work->len; i++) {
        StoreWork *work = g_ptr_array_index(cluster->work, i);

        if (work->thread != g_thread_self())
            continue;
        work->hung = true;
        store_stalls_suspect_disk(cluster->stalls, work->disk);
    }
    g_mutex_unlock(&cluster->lock);
}

bool
store_work_is_for(const StoreWork *work, const char *asker)
{
    return g_strcmp0(work->disk->asker, asker) == 0 ||
           g_strcmp0(work->disk->owner, asker) == 0;
}

void
store_work_suspect(StoreCluster *cluster, const char *asker)
{
    g_mutex_lock(&cluster->lock);
    for (guint i = 0; i < cluster->work->len; i++) {
        const StoreWork *work = g_ptr_array_index(cluster->work, i);

        if (store_work_is_for(work, asker))
            store_stalls_suspect_disk(cluster->stalls, work->disk);
    }
    g_mutex_unlock(&cluster->lock);
}
