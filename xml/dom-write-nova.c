/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-write-nova.c - a file of Nova's as the RBD disk that Nova would write
 *
 * What Nova has chosen for a file, it would not have chosen for RBD. What it
 * says of the guest's device stays.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

/* In Nova's order. */
static const char *const quotas[] = {
    "read_bytes_sec", "read_iops_sec",   "write_bytes_sec",
    "write_iops_sec", "total_bytes_sec", "total_iops_sec",
};

static bool
is_number(const char *text)
{
    return *text && strlen(text) < 20 &&
           strspn(text, "0123456789") == strlen(text);
}

/* A newer Nova has the flavor's quota in the metadata, too. */
static bool
write_quota(xmlNode *disk, xmlNode *root)
{
    static const char *const places[] = {
        "driver",       "alias",  "source", "auth",
        "backingStore", "target", "serial", NULL};
    xmlNode *iotune = dom_child(disk, "iotune");
    bool changed = false;

    if (iotune)
        return false;
    for (gsize i = 0; i < G_N_ELEMENTS(quotas); i++) {
        g_autofree char *value = dom_nova_quota(root, quotas[i]);
        xmlNode *node;

        if (!value || !is_number(value))
            continue;
        if (!iotune)
            iotune = dom_add(disk, places, "iotune");
        node = xmlNewDocNode(disk->doc, NULL, BAD_CAST quotas[i], NULL);
        xmlNodeAddContent(node, BAD_CAST value);
        dom_append(iotune, node);
        changed = true;
    }
    return changed;
}

bool
dom_write_nova(xmlNode *disk, const DomPlanDisk *own, const DomSite *site)
{
    xmlNode *driver = dom_child(disk, "driver");
    bool changed = dom_remove(dom_child(disk, "backingStore"));

    if (driver) {
        changed |= dom_set_attr(driver, "type", "raw");
        changed |= dom_unset_attr(driver, "io");
        if (site->cache)
            changed |= dom_set_attr(driver, "cache", site->cache);
    }
    changed |= write_quota(disk, own->plan->root);
    return changed;
}
