/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/marks.c - a volume says nothing of remora's
 */
#include "config.h"

#include "agent/rbd/volume/marks.h"

#include "agent/rbd/image/list.h"
#include "agent/rbd/image/look.h"

#include <errno.h>
#include <rbd/librbd.h>

int
store_marks_remove(gpointer handle)
{
    static const char *const keys[] = {STORE_MARK_KEY, STORE_BUILDING_KEY,
                                       "remora.trashed"};
    int r = 0;

    for (gsize i = 0; r >= 0 && i < G_N_ELEMENTS(keys); i++) {
        r = rbd_metadata_remove(handle, keys[i]);
        r = r == -ENOENT ? 0 : r;
    }
    return r;
}

int
store_marks_fill(gpointer handle, const StoreClaimed *claimed)
{
    char id[128] = "";
    int r = rbd_get_id(handle, id, sizeof(id));

    if (r < 0)
        return r;
    g_autofree char *text =
        store_mark_new(claimed->conn, claimed->volume, STORE_SNAP, id);
    return rbd_metadata_set(handle, STORE_BUILDING_KEY, text);
}
