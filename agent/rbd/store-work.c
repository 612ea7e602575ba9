/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/store-work.c - which disks this process is at work on
 *
 * For whoever waits and wants to know for what (store-full.c), and so that of
 * two of this process who want one disk the second does not take the claim from
 * the first, whose work it would take for that of a dead builder.
 */
#include "config.h"

#include "agent/rbd/store-internal.h"

#include <string.h>

void
store_work_begin(StoreCluster *cluster, StoreWork *work, const StoreDisk *disk)
{
    work->disk = disk;
    work->since_us = g_get_monotonic_time();
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
}

bool
store_work_by_others(StoreCluster *cluster, const StoreDisk *disk)
{
    guint count = 0;

    g_mutex_lock(&cluster->lock);
    for (guint i = 0; i < cluster->work->len; i++) {
        const StoreWork *work = g_ptr_array_index(cluster->work, i);

        if (strcmp(work->disk->image, disk->image) == 0 &&
            strcmp(work->disk->pool, disk->pool) == 0)
            count++;
    }
    g_mutex_unlock(&cluster->lock);
    return count > 1;
}
