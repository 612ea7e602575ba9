/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/volume/marks.c - a volume says nothing of remora's
 */
#include "config.h"

#include "agent/rbd/volume/marks.h"

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
