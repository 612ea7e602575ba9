/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/others.c - who else has a volume open, and whether it is flattened
 *
 * The manager's watch is named by the mark as soon as somebody has seen it copy. One
 * that hangs before that stays unnamed, so it is asked whether it has a task.
 */
#include "config.h"

#include "agent/rbd/volume/others.h"

#include "agent/rbd/image/flattening.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/task.h"

static bool
is_watched(const StoreLook *look)
{
    return look->crowded || (look->watchers && look->watchers[0]);
}

static void
ask_manager(StoreConn *conn,
            const char *pool,
            const StoreLook *look,
            StoreOthers *others)
{
    g_auto(StoreTask) task = {0};

    if (look->crowded || look->watchers[1] ||
        store_task_find(conn->cluster, STORE_TASK_FLATTEN, pool, look->id,
                        &task) < 0)
        return;
    others->task = task.id != NULL;
    others->at_work = task.id && task.at_work;
}

int
store_others_read(StoreConn *conn,
                  rados_ioctx_t io,
                  const char *pool,
                  const char *volume,
                  StoreLook *look,
                  StoreOthers *ret_others)
{
    g_auto(StoreHandle) handle = NULL;
    g_auto(StoreFlattenMark) mark = {0};
    uint64_t features = 0;
    int r;

    *ret_others = (StoreOthers){.watched = is_watched(look)};
    if (!look->opens || (!look->has_parent && !ret_others->watched))
        return 0;
    r = rbd_open_read_only(io, volume, &handle, NULL);
    if (r >= 0)
        r = store_flatten_mark_read(handle, look->id, &mark);
    if (r >= 0)
        r = rbd_get_features(handle, &features);
    if (r < 0)
        return r;
    if (look->watchers)
        store_flatten_mark_filter(&mark, look->watchers);
    ret_others->flattening = mark.wanted && look->has_parent;
    ret_others->watched = is_watched(look);
    ret_others->lockless = !(features & RBD_FEATURE_EXCLUSIVE_LOCK);
    if (ret_others->flattening && ret_others->watched)
        ask_manager(conn, pool, look, ret_others);
    return 0;
}
