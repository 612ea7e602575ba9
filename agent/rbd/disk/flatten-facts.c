/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/disk/flatten-facts.c - what a disk itself says of its flattening
 */
#include "config.h"

#include "agent/rbd/disk/flatten-facts.h"

#include "agent/rbd/image/map.h"

#include <errno.h>
#include <rbd/librbd.h>

int
store_flatten_facts_read(gpointer handle, StoreFlattenFacts *facts)
{
    rbd_linked_image_spec_t parent = {0};
    rbd_snap_spec_t snap = {0};
    StoreMap map = {0};
    int r = store_map_read(handle, &map);

    if (r < 0)
        return r;
    facts->lockless = !(map.features & RBD_FEATURE_EXCLUSIVE_LOCK);
    facts->mapped = map.on != 0;
    facts->map_off = map.restore != 0;
    r = rbd_get_parent(handle, &parent, &snap);
    facts->has_parent = r >= 0;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    rbd_linked_image_spec_cleanup(&parent);
    rbd_snap_spec_cleanup(&snap);
    return 0;
}
