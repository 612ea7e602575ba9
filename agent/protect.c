/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/protect.c - an image that others are cloned from is not written to
 */
#include "config.h"

#include "agent/protect.h"

#include "agent/request.h"

static bool
may_be_image(Host *host, const DomDisk *disk)
{
    const char *const *pools =
        (const char *const *)cluster_conf(host_cluster_of(host, disk))
            ->image_pools;

    return disk->kind == DOM_DISK_BARE && disk->writable && !disk->snap &&
           disk->pool && g_strv_contains(pools, disk->pool);
}

bool
protect_concerns(Host *host, const DomPlan *plan)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++)
        if (may_be_image(host, g_ptr_array_index(disks, i)))
            return true;
    return false;
}

static gboolean
refuse(const DomDisk *disk, GError **error)
{
    g_set_error(error, REQUEST_ERROR, REQUEST_ERROR_REFUSED,
                "disk '%s': '%s/%s' is an image that others are cloned from, "
                "and the guest would write to it: for a clone of its own write "
                "'%s/%s@snap', or <readonly/>; if writing to the image is "
                "meant, define the domain past the proxy",
                disk->target, disk->pool, disk->image, disk->pool, disk->image);
    return FALSE;
}

gboolean
protect_check(Host *host, const DomPlan *plan, GError **error)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);

        if (may_be_image(host, disk) &&
            store_image_is_protected(host_store_of(host, disk), disk->pool,
                                     disk->image))
            return refuse(disk, error);
    }
    return TRUE;
}
