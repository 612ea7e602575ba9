/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/origin.c - what a disk is cloned from
 *
 * The base of an image is named after the image's own id and its snapshot's, and
 * after its cluster if that is another: one that is replaced under its name gets
 * another base, and no host has to ask another how far it is.
 */
#include "config.h"

#include "agent/rbd/disk/origin.h"

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/stall.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/conn/work.h"
#include "agent/rbd/image/list.h"
#include "agent/rbd/image/snap.h"

#include <string.h>

#define PREFIX "remora_base."

void
store_origin_clear(StoreOrigin *origin)
{
    g_clear_pointer(&origin->image, g_free);
}

gboolean
store_size_check(const StoreDisk *disk, guint64 content, GError **error)
{
    if (disk->size == 0 || disk->size >= content)
        return TRUE;
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "a disk of %" G_GUINT64_FORMAT
                        " bytes cannot hold image '%s/%s' of %" //
                        G_GUINT64_FORMAT " bytes: ask for at least that size",
                        disk->size, disk->parent.pool, disk->parent.image,
                        content);
}

/* What is in the image, of which a base is made. */
static gboolean
check_fit(const StoreDisk *disk, const StoreFound *found, GError **error)
{
    if (!found->format)
        return store_size_check(disk, found->size, error);
    if (!found->header.unfit)
        return store_size_check(disk, found->header.size, error);
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "image '%s/%s' is %s %s, and is not converted: have "
                        "whoever made it upload the same as a raw image",
                        disk->parent.pool, disk->parent.image, found->format,
                        found->header.unfit);
}

/* A raw one is remembered: who clones it sees that he cloned what was found. Who
 * clones a copy of it does not. */
static gboolean
look_at_image(StoreConn *conn,
              const StoreDisk *disk,
              bool converts,
              StoreFound *found,
              GError **error)
{
    if (disk->from)
        store_parent_forget(conn->cluster, &disk->parent);
    if (!store_parent_look(conn, &disk->parent, found, error))
        return FALSE;
    if (!found->format)
        return TRUE;
    if (!disk->from)
        store_parent_forget(conn->cluster, &disk->parent);
    return disk->read_only || !converts
               ? store_parent_find(conn, &disk->parent, found, error)
               : store_parent_look(conn, &disk->parent, found, error);
}

static gboolean
refuse_lost(StoreConn *conn, const StoreDisk *disk, GError **error)
{
    const char *fsid = store_cluster_fsid(conn->cluster, NULL);

    return store_refuse(error, STORE_ERROR_REFUSED,
                        "image '%s/%s' is in cluster '%s', which is not in "
                        "remora.conf, and the disk is in '%s': add that "
                        "cluster, or name a copy of the image",
                        disk->parent.pool, disk->parent.image, disk->lost,
                        fsid ? fsid : store_cluster_name(conn->cluster));
}

/* conn: of the disk's cluster. */
static gboolean
look_where_it_is(StoreConn *conn,
                 const StoreDisk *disk,
                 StoreFound *found,
                 GError **error)
{
    bool converts = store_settings(conn->cluster)->clone_convert;
    StoreWork work = {
        .target = {.pool = disk->parent.pool, .image = disk->parent.image},
        .owner = disk->owner,
        .waiter = disk->waiter};
    g_autoptr(StoreConn) there = NULL;
    gboolean done = FALSE;

    if (disk->lost)
        return refuse_lost(conn, disk, error);
    if (!disk->from)
        return look_at_image(conn, disk, converts, found, error);
    there = store_conn_acquire(disk->from, error);
    if (there) {
        store_work_begin(disk->from, &work);
        done = look_at_image(there, disk, converts, found, error);
        store_work_end(disk->from, &work);
    }
    if (!done)
        store_error_from(error, store_cluster_name(disk->from));
    return done;
}

/* NULL: it has none, for it is cloned itself. */
static gboolean
name_base(const StoreDisk *disk,
          const StoreFound *found,
          char **ret_name,
          GError **error)
{
    const char *fsid =
        disk->from ? store_cluster_fsid(disk->from, error) : NULL;

    *ret_name = NULL;
    if (disk->from && !fsid)
        return FALSE;
    if (disk->from || found->format)
        *ret_name = g_strdup_printf(PREFIX "%s%s%s.%" G_GUINT64_FORMAT,
                                    fsid ? fsid : "", fsid ? "." : "",
                                    found->id, found->snap_id);
    return TRUE;
}

gboolean
store_origin_look(StoreConn *conn,
                  const StoreDisk *disk,
                  StoreOrigin *ret_origin,
                  GError **error)
{
    g_auto(StoreOrigin) origin = {.parent = disk->parent, .there = true};

    if (!look_where_it_is(conn, disk, &origin.found, error) ||
        !name_base(disk, &origin.found, &origin.image, error))
        return FALSE;
    origin.size =
        origin.found.format ? origin.found.header.size : origin.found.size;
    if (origin.image) {
        origin.parent = (StoreParent){disk->pool, origin.image, STORE_SNAP};
        if (!check_fit(disk, &origin.found, error) ||
            !store_snap_find_protected(conn, disk->pool, origin.image,
                                       STORE_SNAP, &origin.there, error))
            return FALSE;
    }
    *ret_origin = origin;
    origin = (StoreOrigin){0};
    return TRUE;
}

static bool
is_stalled(const StoreCluster *cluster, const StoreDisk *disk, GError **error)
{
    if (store_stalls_check(disk->from ? disk->from : cluster, disk->parent.pool,
                           disk->parent.image, error))
        return false;
    if (disk->from)
        store_error_from(error, store_cluster_name(disk->from));
    return true;
}

gboolean
store_origin_plan(StoreCluster *cluster,
                  const StoreDisk *disk,
                  StoreOrigin *ret_origin,
                  GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);

    /* Each call that hangs costs all others their connection. */
    return conn && !is_stalled(cluster, disk, error) &&
           store_origin_look(conn, disk, ret_origin, error);
}

gboolean
store_origin_find(StoreConn *conn,
                  const StoreDisk *disk,
                  StoreOrigin *ret_origin,
                  GError **error)
{
    g_auto(StoreOrigin) origin = {0};

    if (!store_origin_look(conn, disk, &origin, error))
        return FALSE;
    if (!origin.there && disk->from)
        return store_refuse(error, STORE_ERROR_UNCONVERTED,
                            "image '%s/%s' is in cluster '%s', and has to be "
                            "copied before it can be cloned",
                            disk->parent.pool, disk->parent.image,
                            store_cluster_name(disk->from));
    if (!origin.there)
        return store_refuse(error, STORE_ERROR_UNCONVERTED,
                            "image '%s/%s' holds %s, which has to be "
                            "converted before it can be cloned",
                            disk->parent.pool, disk->parent.image,
                            origin.found.format);
    *ret_origin = origin;
    origin = (StoreOrigin){0};
    return TRUE;
}

bool
store_origin_is_base(const char *pool, const char *name)
{
    gsize len = strlen(pool);

    return strncmp(name, pool, len) == 0 && name[len] == '/' &&
           g_str_has_prefix(name + len + 1, PREFIX);
}
