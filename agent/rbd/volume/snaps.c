/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/snaps.c - the snapshots of a volume, read
 */
#include "config.h"

#include "agent/rbd/volume/snaps.h"

#include "agent/rbd/conn/fault.h"
#include "agent/rbd/volume/name.h"

#include <errno.h>
#include <rbd/librbd.h>
#include <string.h>

#define SNAPS_FIRST 64
#define SNAPS_MAX   65536

void
store_volume_snap_free(StoreVolumeSnap *snap)
{
    if (!snap)
        return;
    g_free(snap->name);
    g_free(snap);
}

/* 1: it was added; 0: it is none of the user's. */
static int
add(rbd_image_t handle, const rbd_snap_info_t *info, GPtrArray *snaps)
{
    rbd_snap_namespace_type_t type = RBD_SNAP_NAMESPACE_TYPE_USER;
    struct timespec created = {0};
    StoreVolumeSnap *snap;
    int is_protected = 0;
    int r = rbd_snap_get_namespace_type(handle, info->id, &type);

    if (r < 0 || type != RBD_SNAP_NAMESPACE_TYPE_USER)
        return r == -ENOENT ? 0 : r;
    r = rbd_snap_is_protected(handle, info->name, &is_protected);
    if (r >= 0)
        r = rbd_snap_get_timestamp(handle, info->id, &created);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    snap = g_new0(StoreVolumeSnap, 1);
    *snap = (StoreVolumeSnap){
        .name = g_strdup(info->name),
        .size = info->size,
        .created = created.tv_sec,
        .is_protected = is_protected != 0,
        .own = store_snap_is_own(info->name),
    };
    g_ptr_array_add(snaps, snap);
    return 1;
}

/* Their number, with *ret_infos to free; or librbd's. */
static int
list(rbd_image_t handle, rbd_snap_info_t **ret_infos)
{
    g_autofree rbd_snap_info_t *infos = NULL;
    int max = SNAPS_FIRST;
    int n;

    do {
        g_free(infos);
        infos = g_new0(rbd_snap_info_t, (gsize)max);
        n = rbd_snap_list(handle, infos, &max);
    } while (n == -ERANGE && max <= SNAPS_MAX);
    if (n >= 0)
        *ret_infos = g_steal_pointer(&infos);
    return n;
}

GPtrArray *
store_snaps_read(gpointer handle, int *ret_r)
{
    g_autoptr(GPtrArray) snaps =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_volume_snap_free);
    g_autofree rbd_snap_info_t *infos = NULL;
    int n = list(handle, &infos);

    *ret_r = MIN(n, 0);
    for (int i = 0; i < n && *ret_r >= 0; i++)
        *ret_r = add(handle, &infos[i], snaps);
    if (n > 0)
        rbd_snap_list_end(infos);
    return *ret_r < 0 ? NULL : g_steal_pointer(&snaps);
}

const StoreVolumeSnap *
store_snaps_find(const GPtrArray *snaps, const char *name)
{
    for (guint i = 0; i < snaps->len; i++) {
        const StoreVolumeSnap *snap = g_ptr_array_index(snaps, i);

        if (strcmp(snap->name, name) == 0)
            return snap;
    }
    return NULL;
}

/* Somebody else may have unprotected or removed it meanwhile. */
int
store_snap_remove(gpointer handle, const StoreVolumeSnap *snap)
{
    int r = snap->is_protected ? rbd_snap_unprotect(handle, snap->name) : 0;

    if (r == -EINVAL)
        r = 0;
    if (r >= 0)
        r = STORE_FAULT("volume-unprotected");
    if (r >= 0)
        r = rbd_snap_remove(handle, snap->name);
    if (r == -ENOENT)
        r = 0;
    if (r >= 0)
        r = STORE_FAULT("volume-unsnapped");
    return r;
}

/* librbd refuses one that has a clone, and none can be made of it any more. */
void
store_snaps_remove_left(gpointer handle)
{
    g_autofree rbd_snap_info_t *infos = NULL;
    int n = list(handle, &infos);

    for (int i = 0; i < n; i++) {
        rbd_snap_namespace_type_t type = RBD_SNAP_NAMESPACE_TYPE_USER;

        if (rbd_snap_get_namespace_type(handle, infos[i].id, &type) >= 0 &&
            type == RBD_SNAP_NAMESPACE_TYPE_TRASH)
            (void)rbd_snap_remove_by_id(handle, infos[i].id);
    }
    if (n > 0)
        rbd_snap_list_end(infos);
}
