/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/passing.c - the snapshot by which a disk becomes an image
 *
 * It stands on a disk that has another owner, who could not remove that while it
 * is there. So it must not stay, whatever dies: it is found from the disk's side by
 * this name, and from the image's, which says of which disk it is made until the
 * snapshot has gone. Removed while it still had its clone, librbd would keep it out
 * of sight, and a flatten that is killed at its end would leave a clone that can be
 * opened no more.
 */
#include "config.h"

#include "agent/rbd/disk/passing.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/fault.h"
#include "agent/rbd/conn/warm.h"
#include "agent/rbd/image/handle.h"
#include "agent/rbd/image/namespace.h"

#include <errno.h>
#include <string.h>

#define PREFIX    "remora-image-"
#define UUID_LEN  36u
#define SNAPS_MAX 1024

/* ---- names --------------------------------------------------------------------- */

char *
store_passing_name(const char *pool, const char *id)
{
    return g_strconcat(PREFIX, pool, "-", id, NULL);
}

gboolean
store_passing_parse(const char *snap, char **ret_pool, char **ret_id)
{
    const char *rest = snap + strlen(PREFIX);
    gsize len;

    if (!g_str_has_prefix(snap, PREFIX))
        return FALSE;
    len = strlen(rest);
    /* At least one letter of a pool's name, and a hyphen. */
    if (len < UUID_LEN + 2 || rest[len - UUID_LEN - 1] != '-' ||
        !g_uuid_string_is_valid(rest + len - UUID_LEN))
        return FALSE;
    *ret_pool = g_strndup(rest, len - UUID_LEN - 1);
    *ret_id = g_strdup(rest + len - UUID_LEN);
    return TRUE;
}

char *
store_passing_disk(const StoreLook *look, const char *pool, const char *id)
{
    g_autofree char *snap = store_passing_name(pool, id);
    const char *parent = look->parent_name;
    const char *at = parent ? strrchr(parent, '@') : NULL;

    if (look->snaps > 0)
        return NULL;
    if (look->made_of)
        return g_strdup(look->made_of);
    if (!at || strcmp(at + 1, snap) != 0)
        return NULL;
    return g_strndup(parent, (gsize)(at - parent));
}

/* ---- the disk ------------------------------------------------------------------ */

/* -ENOENT is for the caller. */
static gboolean
open_disk(StoreConn *conn,
          const char *disk,
          rbd_image_t *ret_handle,
          int *ret_r,
          GError **error)
{
    g_auto(GStrv) words = g_strsplit(disk, "/", 2);
    g_auto(StoreIo) io = NULL;
    const char *image;

    if (!store_parent_ioctx(conn, words[0], words[1], &io, &image, error))
        return FALSE;
    *ret_r = rbd_open(io, image, ret_handle, NULL);
    if (*ret_r < 0 && *ret_r != -ENOENT)
        return store_fail(error, conn, *ret_r, "cannot open disk '%s'", disk);
    return TRUE;
}

gboolean
store_passing_remove(StoreConn *conn,
                     const char *disk,
                     const char *pool,
                     const char *id,
                     GError **error)
{
    g_autofree char *snap = store_passing_name(pool, id);
    g_auto(StoreHandle) handle = NULL;
    int r = 0;

    if (!open_disk(conn, disk, &handle, &r, error))
        return FALSE;
    if (r >= 0)
        r = rbd_snap_remove(handle, snap);
    if (r >= 0)
        r = STORE_FAULT("capture-unsnapped");
    if (r < 0 && r != -ENOENT)
        return store_fail(error, conn, r,
                          "cannot remove the snapshot '%s@%s': remove it "
                          "(rbd snap rm %s@%s)",
                          disk, snap, disk, snap);
    return TRUE;
}

static char **
take_names(const rbd_snap_info_t *snaps, int n)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (int i = 0; i < n; i++)
        if (g_str_has_prefix(snaps[i].name, PREFIX))
            g_ptr_array_add(names, g_strdup(snaps[i].name));
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&names), FALSE);
}

char **
store_passing_list(StoreConn *conn, const char *disk, GError **error)
{
    g_autofree rbd_snap_info_t *snaps = g_new0(rbd_snap_info_t, SNAPS_MAX);
    g_auto(StoreHandle) handle = NULL;
    int max = SNAPS_MAX;
    int r = 0;
    char **names;

    if (!open_disk(conn, disk, &handle, &r, error))
        return NULL;
    if (r >= 0)
        r = rbd_snap_list(handle, snaps, &max);
    if (r == -ENOENT) {
        store_refuse(error, STORE_ERROR_MISSING,
                     "disk '%s' is not made yet (remora provision)", disk);
        return NULL;
    }
    if (r < 0) {
        store_fail(error, conn, r, "cannot list the snapshots of disk '%s'",
                   disk);
        return NULL;
    }
    names = take_names(snaps, r);
    if (r > 0)
        rbd_snap_list_end(snaps);
    return names;
}
