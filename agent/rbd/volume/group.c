/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/group.c - snapshots of several disks at one moment
 *
 * All that could be refused is looked at before anybody is disturbed, and only the
 * snapshots themselves are made while nobody writes: they are protected afterwards.
 */
#include "config.h"

#include "agent/rbd/volume/group.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/names.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/disk/pool-space.h"
#include "agent/rbd/image/close.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/look.h"
#include "agent/rbd/image/namespace.h"
#include "agent/rbd/volume/snap-remove.h"
#include "agent/rbd/volume/snaps.h"

#include <errno.h>
#include <string.h>

#define MARK_MAX 1024u

typedef struct {
    const StoreGroupDisk *disk;
    StoreConn *conn; /* a reference */
    StoreIo io;
    const char *name; /* in io; a part of disk->image */
    bool made;        /* its snapshot may be there, and is ours */
} Member;

typedef struct {
    const char *snap;
    const StoreGroupHow *how;
    Member *members;
    gsize n;
} Group;

static void
group_clear(Group *group)
{
    for (gsize i = 0; i < group->n; i++) {
        store_ioctx_clear(&group->members[i].io);
        if (group->members[i].conn)
            store_conn_unref(group->members[i].conn);
    }
    g_free(group->members);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Group, group_clear)

static gboolean
begin_one(Member *member, GError **error)
{
    const StoreGroupDisk *disk = member->disk;

    /* A failure unprotects what was protected. */
    store_conn_will_unprotect(disk->cluster);
    member->conn = store_conn_acquire(disk->cluster, error);
    if (!member->conn ||
        !store_parent_ioctx(member->conn, disk->pool, disk->image, &member->io,
                            &member->name, error))
        return FALSE;
    rados_set_pool_full_try(member->io);
    return TRUE;
}

static gboolean
begin(Group *group, const StoreGroupDisk *disks, gsize n, GError **error)
{
    group->members = g_new0(Member, n);
    for (group->n = 0; group->n < n; group->n++) {
        Member *member = &group->members[group->n];

        member->disk = &disks[group->n];
        if (!begin_one(member, error)) {
            group->n++;
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
fail(const Member *member,
     int r,
     const char *what,
     const char *snap,
     GError **error)
{
    const StoreGroupDisk *disk = member->disk;

    if (r == -ENOENT)
        return store_refuse(error, STORE_ERROR_MISSING,
                            "no image '%s/%s' (remora status)", disk->pool,
                            disk->image);
    return store_fail(error, member->conn, r, "cannot %s snapshot '%s/%s@%s'",
                      what, disk->pool, disk->image, snap);
}

/* ---- before ----------------------------------------------------------------------- */

/* Whether it says of this very image that it is half-made. */
static int
read_building(rbd_image_t handle, bool *ret_building)
{
    char text[MARK_MAX] = "";
    size_t len = sizeof(text) - 1;
    char id[128] = "";
    int r = rbd_metadata_get(handle, STORE_BUILDING_KEY, text, &len);

    *ret_building = false;
    if (r == -ENOENT)
        return 0;
    if (r >= 0)
        r = rbd_get_id(handle, id, sizeof(id));
    if (r < 0)
        return r;
    g_autofree char *of = store_word(text, "id");
    *ret_building = strcmp(of, id) == 0;
    return 0;
}

static gboolean
check_one(const Member *member, const char *snap, GError **error)
{
    const StoreGroupDisk *disk = member->disk;
    g_auto(StoreHandle) handle = NULL;
    g_autoptr(GPtrArray) snaps = NULL;
    bool building = false;
    int r;

    if (!store_pool_check_space(member->conn, disk->pool, error))
        return FALSE;
    r = rbd_open_read_only(member->io, member->name, &handle, NULL);
    if (r >= 0)
        r = read_building(handle, &building);
    if (r >= 0)
        snaps = store_snaps_read(handle, &r);
    if (r < 0)
        return fail(member, r, "make", snap, error);
    if (building)
        return store_refuse(error, STORE_ERROR_REFUSED,
                            "'%s/%s' is half-made, or between two states, and "
                            "no snapshot is made of that (remora status)",
                            disk->pool, disk->image);
    return !store_snaps_find(snaps, snap) ||
           store_refuse(error, STORE_ERROR_BUSY,
                        "'%s/%s' has a snapshot '%s' already: give another id, "
                        "or remove it of all disks (remora volume snapshot rm "
                        "--domain)",
                        disk->pool, disk->image, snap);
}

/* ---- at the moment ------------------------------------------------------------------ */

/* Each disk is closed at once: whoever starts a guest on one must not find it
 * open. */
static gboolean
make_one(Member *member, const char *snap, GError **error)
{
    StoreHandle handle = NULL;
    int closed;
    int r = rbd_open(member->io, member->name, &handle, NULL);

    if (r >= 0)
        r = STORE_FAULT("group-snapping");
    if (r >= 0) {
        r = rbd_snap_create(handle, snap);
        member->made = r != -EEXIST;
    }
    if (r >= 0)
        r = STORE_FAULT("group-snapped");
    closed = handle ? store_close(handle) : 0;
    r = r < 0 ? r : closed;
    return r >= 0 || fail(member, r, "make", snap, error);
}

static gboolean
check_stopped(const Group *group, GError **error)
{
    const StoreGroupHow *how = group->how;

    return !how->stopped || !how->stopped(how->data) ||
           store_refuse(error, STORE_ERROR_FAILED,
                        "making the snapshots was cancelled");
}

static gboolean
make_all(const Group *group, GError **error)
{
    for (gsize i = 0; i < group->n; i++)
        if (!check_stopped(group, error) ||
            !make_one(&group->members[i], group->snap, error))
            return FALSE;
    return TRUE;
}

static gboolean
make_at_once(const Group *group, GError **error)
{
    const StoreGroupHow *how = group->how;
    g_autoptr(GError) why = NULL;
    gboolean held = how->hold(how->data, &why);

    if (held)
        held = make_all(group, &why);
    /* Of two failures the first one says more. */
    if (!how->let_go(how->data, why ? NULL : &why) || !held) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    return check_stopped(group, error);
}

/* ---- after -------------------------------------------------------------------------- */

static gboolean
protect_one(const Member *member, const char *snap, GError **error)
{
    g_auto(StoreHandle) handle = NULL;
    int r = rbd_open(member->io, member->name, &handle, NULL);

    if (r >= 0)
        r = rbd_snap_protect(handle, snap);
    r = r == -EBUSY ? 0 : r;
    if (r >= 0)
        r = STORE_FAULT("group-protected");
    return r >= 0 || fail(member, r, "protect", snap, error);
}

static gboolean
protect_all(const Group *group, GError **error)
{
    for (gsize i = 0; i < group->n; i++)
        if (!protect_one(&group->members[i], group->snap, error))
            return FALSE;
    return TRUE;
}

static int
remove_made(const Member *member, const char *snap)
{
    const StoreVolumeSnap both = {.name = (char *)snap, .is_protected = true};
    g_auto(StoreHandle) handle = NULL;
    int r = rbd_open(member->io, member->name, &handle, NULL);

    return r >= 0 ? store_snap_remove(handle, &both) : r;
}

static void
take_back(const Group *group, GError **why)
{
    for (gsize i = 0; i < group->n; i++) {
        const Member *member = &group->members[i];

        if (member->made && (!store_conn_may_write(member->conn, *why) ||
                             remove_made(member, group->snap) < 0))
            g_prefix_error(why,
                           "snapshot '%s/%s@%s' may be there still, remove it "
                           "(remora volume snapshot rm --domain): ",
                           member->disk->pool, member->disk->image,
                           group->snap);
    }
}

gboolean
store_group_snap_create(const StoreGroupDisk *disks,
                        gsize n,
                        const char *snap,
                        const StoreGroupHow *how,
                        GError **error)
{
    g_auto(Group) group = {.snap = snap, .how = how};
    g_autoptr(GError) why = NULL;

    if (!begin(&group, disks, n, error))
        return FALSE;
    for (gsize i = 0; i < n; i++)
        if (!check_one(&group.members[i], snap, error))
            return FALSE;
    if (make_at_once(&group, &why) && protect_all(&group, &why))
        return TRUE;
    take_back(&group, &why);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

/* ---- removed, listed ------------------------------------------------------------------ */

static gboolean
remove_one(const Member *member,
           const char *snap,
           bool *ret_there,
           GError **error)
{
    const StoreSnapAt at = {member->conn, member->io, member->disk->pool,
                            member->disk->image};
    g_auto(StoreHandle) handle = NULL;
    g_autoptr(GPtrArray) snaps = NULL;
    const StoreVolumeSnap *found = NULL;
    int r = rbd_open(member->io, member->name, &handle, NULL);

    if (r >= 0)
        snaps = store_snaps_read(handle, &r);
    if (r < 0)
        return fail(member, r, "remove", snap, error);
    found = store_snaps_find(snaps, snap);
    if (!found)
        return TRUE;
    *ret_there = true;
    return store_snap_remove_unused(&at, handle, found, error);
}

gboolean
store_group_snap_remove(const StoreGroupDisk *disks,
                        gsize n,
                        const char *snap,
                        GError **error)
{
    g_auto(Group) group = {.snap = snap};
    bool there = false;

    if (!begin(&group, disks, n, error))
        return FALSE;
    for (gsize i = 0; i < n; i++)
        if (!remove_one(&group.members[i], snap, &there, error))
            return FALSE;
    return there ||
           store_refuse(error, STORE_ERROR_MISSING,
                        "none of the disks has a snapshot '%s' (remora volume "
                        "snapshot list --domain)",
                        snap);
}

GPtrArray *
store_group_snaps(const StoreGroupDisk *disk, GError **error)
{
    g_auto(Group) group = {0};
    g_auto(StoreHandle) handle = NULL;
    GPtrArray *snaps = NULL;
    int r;

    if (!begin(&group, disk, 1, error))
        return NULL;
    r = rbd_open_read_only(group.members[0].io, group.members[0].name, &handle,
                           NULL);
    if (r >= 0)
        snaps = store_snaps_read(handle, &r);
    if (r < 0)
        fail(&group.members[0], r, "list", "*", error);
    return snaps;
}
