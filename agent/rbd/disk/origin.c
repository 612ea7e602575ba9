/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/origin.c - what a disk is cloned from
 *
 * The base of an image is named after the image's own id and its snapshot's: one
 * that is replaced under its name gets another base, and no host has to ask
 * another how far it is.
 */
#include "config.h"

#include "agent/rbd/disk/origin.h"

#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/warm.h"
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

static gboolean
check_fit(const StoreDisk *disk, const StoreFound *found, GError **error)
{
    if (!found->header.unfit)
        return store_size_check(disk, found->header.size, error);
    return store_refuse(error, STORE_ERROR_REFUSED,
                        "image '%s/%s' is %s %s, and is not converted: have "
                        "whoever made it upload the same as a raw image",
                        disk->parent.pool, disk->parent.image, found->format,
                        found->header.unfit);
}

/* A raw one is remembered: who clones it sees that he cloned what was found. */
static gboolean
look_at_image(StoreConn *conn,
              const StoreDisk *disk,
              StoreFound *found,
              GError **error)
{
    if (!store_parent_look(conn, &disk->parent, found, error))
        return FALSE;
    if (!found->format)
        return TRUE;
    store_parent_forget(conn->cluster, &disk->parent);
    if (disk->read_only || !store_settings(conn->cluster)->clone_convert)
        return store_parent_find(conn, &disk->parent, found, error);
    return store_parent_look(conn, &disk->parent, found, error);
}

gboolean
store_origin_look(StoreConn *conn,
                  const StoreDisk *disk,
                  StoreOrigin *ret_origin,
                  GError **error)
{
    StoreOrigin origin = {.parent = disk->parent, .there = true};

    if (!look_at_image(conn, disk, &origin.found, error))
        return FALSE;
    if (origin.found.format) {
        if (!check_fit(disk, &origin.found, error))
            return FALSE;
        origin.image = g_strdup_printf(PREFIX "%s.%" G_GUINT64_FORMAT,
                                       origin.found.id, origin.found.snap_id);
        origin.parent = (StoreParent){disk->pool, origin.image, STORE_SNAP};
        if (!store_snap_find_protected(conn, disk->pool, origin.image,
                                       STORE_SNAP, &origin.there, error)) {
            store_origin_clear(&origin);
            return FALSE;
        }
    }
    *ret_origin = origin;
    return TRUE;
}

gboolean
store_origin_plan(StoreCluster *cluster,
                  const StoreDisk *disk,
                  StoreOrigin *ret_origin,
                  GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);

    return conn && store_origin_look(conn, disk, ret_origin, error);
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
