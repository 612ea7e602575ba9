/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-find.c - where in a live definition is this image?
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

static bool
is_source_of(xmlNode *node, const char *name)
{
    g_autofree char *protocol = NULL;
    g_autofree char *named = NULL;

    if (strcmp((const char *)node->name, "source") != 0)
        return false;
    protocol = dom_attr(node, "protocol");
    named = dom_attr(node, "name");
    return g_strcmp0(protocol, "rbd") == 0 && g_strcmp0(named, name) == 0;
}

/* role: of the sources right below node. */
static DomSourceRole
search(xmlNode *node, DomSourceRole role, const char *name)
{
    DomSourceRole found = DOM_SOURCE_NOWHERE;

    for (xmlNode *at = node->children; at; at = at->next) {
        DomSourceRole below = role;

        if (at->type != XML_ELEMENT_NODE)
            continue;
        if (is_source_of(at, name))
            found = MAX(found, role);
        if (strcmp((const char *)at->name, "mirror") == 0)
            below = DOM_SOURCE_JOB;
        else if (strcmp((const char *)at->name, "backingStore") == 0 &&
                 role == DOM_SOURCE_DISK)
            below = DOM_SOURCE_BELOW;
        found = MAX(found, search(at, below, name));
    }
    return found;
}

DomSourceRole
dom_find_source(const char *xml, gsize len, const char *pool, const char *image)
{
    g_autoptr(xmlDoc) doc = dom_parse(xml, len, NULL);
    g_autoptr(GPtrArray) nodes =
        dom_disk_nodes(doc ? xmlDocGetRootElement(doc) : NULL);
    g_autofree char *name = g_strdup_printf("%s/%s", pool, image);
    DomSourceRole found = DOM_SOURCE_NOWHERE;

    for (guint i = 0; i < nodes->len; i++)
        found = MAX(found, search(nodes->pdata[i], DOM_SOURCE_DISK, name));
    return found;
}

const char *
dom_plan_arrival(const DomPlan *plan)
{
    (void)plan;
    return NULL;
}
