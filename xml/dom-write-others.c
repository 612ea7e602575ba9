/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-write-others.c - cache modes of the disks that are not remora's
 *
 * As Nova does, for all disks of a domain; so only of one for which disks are
 * made. What such a disk was is kept for dom_revert(), as of every disk.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

/* Whether the plan has it, whatever becomes of it there. */
static bool
is_planned(const DomWork *work, guint index)
{
    for (guint i = 0; i < work->plan->disks->len; i++) {
        const DomPlanDisk *own = work->plan->disks->pdata[i];

        if (own->node && own->disk_index == index)
            return true;
    }
    return false;
}

/* Of the cluster in which the first is that is made; NULL: none is. */
static const DomSite *
site_of_made(const DomWork *work)
{
    const GPtrArray *disks = work->plan->disks;

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = disks->pdata[i];

        if (dom_disk_is_made(disk) && !disk->left)
            return &work->sites[disk->cluster];
    }
    return NULL;
}

/* By the type of its source; NULL: it has none, or is of no such type. */
static const char *
mode_for(xmlNode *disk, const DomSite *site)
{
    g_autofree char *type = dom_attr(disk, "type");
    g_autofree char *file = dom_child_attr(disk, "source", "file");
    g_autofree char *dev = dom_child_attr(disk, "source", "dev");

    if (g_strcmp0(type, "file") == 0 && file && *file)
        return site->cache_file;
    if (g_strcmp0(type, "block") == 0 && dev && *dev)
        return site->cache_block;
    return NULL;
}

static void
write_other(DomWork *work, const DomSite *site, xmlNode *disk)
{
    bool shareable = dom_child(disk, "shareable") != NULL;
    xmlNode *driver = dom_child(disk, "driver");
    g_autofree char *target = dom_child_attr(disk, "target", "dev");
    g_autofree char *old = dom_attr(driver, "cache");
    const char *mode = mode_for(disk, site);
    g_autoptr(xmlNode) before = NULL;

    if (!mode || old || !target || !*target)
        return;
    before = xmlDocCopyNode(disk, work->doc, 1);
    if (!driver)
        driver = dom_add(disk, NULL, "driver");
    dom_set_attr(driver, "cache", dom_write_cache(driver, shareable, mode));
    dom_record_alone(work, target, before);
    g_ptr_array_add(work->others, disk);
    work->changed = true;
}

void
dom_write_others(DomWork *work)
{
    const DomSite *site = site_of_made(work);
    g_autoptr(GPtrArray) nodes = NULL;

    if (work->plan->device || !site || site->same_guest ||
        (!site->cache_file && !site->cache_block))
        return;
    nodes = dom_disk_nodes(work->root);
    /* Before any is added, so that they are those that the plan counted. */
    for (guint i = 0; i < nodes->len; i++) {
        if (!is_planned(work, i))
            write_other(work, site, nodes->pdata[i]);
    }
}
