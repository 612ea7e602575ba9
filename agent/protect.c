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

/* The snapshot that it is cloned from, or NULL: it is no such image. */
static char *
snapshot_of(Host *host, const DomDisk *disk)
{
    return may_be_image(host, disk)
               ? store_image_protected(host_store_of(host, disk), disk->pool,
                                       disk->image)
               : NULL;
}

bool
protect_is_image(Host *host, const DomDisk *disk)
{
    g_autofree char *snap = snapshot_of(host, disk);

    return snap != NULL;
}

GPtrArray *
protect_find(Host *host, const DomPlan *plan)
{
    const GPtrArray *disks = dom_plan_disks(plan);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);

        if (protect_is_image(host, disk))
            g_ptr_array_add(found,
                            g_strconcat(disk->pool, "/", disk->image, NULL));
    }
    return found->len ? g_steal_pointer(&found) : NULL;
}

static gboolean
refuse(const DomDisk *disk, const char *snap, GError **error)
{
    g_set_error(error, REQUEST_ERROR, REQUEST_ERROR_REFUSED,
                "disk '%s': '%s/%s' is an image that others are cloned from, "
                "and the guest would write to it: for a clone of its own write "
                "'%s/%s@%s', or <readonly/>; if writing to the image is "
                "meant, define the domain past the proxy",
                disk->target, disk->pool, disk->image, disk->pool, disk->image,
                snap);
    return FALSE;
}

gboolean
protect_check(Host *host, const DomPlan *plan, GError **error)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);
        g_autofree char *snap = snapshot_of(host, disk);

        if (snap)
            return refuse(disk, snap, error);
    }
    return TRUE;
}
