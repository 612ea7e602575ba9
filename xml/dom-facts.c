/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-facts.c - one fact of a definition, where no plan is wanted
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

char *
dom_xml_name(const char *xml, gsize len)
{
    g_autoptr(xmlDoc) doc = dom_parse(xml, len, NULL);
    char *name = NULL;

    if (doc)
        name = dom_text(dom_child(xmlDocGetRootElement(doc), "name"));
    for (char *at = name; at && *at; at++) {
        if (g_ascii_iscntrl(*at))
            *at = ' ';
    }
    return name;
}

bool
dom_xml_has_target(const char *xml, gsize len, const char *target)
{
    g_autoptr(xmlDoc) doc = dom_parse(xml, len, NULL);
    g_autoptr(GPtrArray) nodes =
        dom_disk_nodes(doc ? xmlDocGetRootElement(doc) : NULL);

    for (guint i = 0; i < nodes->len; i++) {
        g_autofree char *dev = dom_child_attr(nodes->pdata[i], "target", "dev");

        if (g_strcmp0(dev, target) == 0)
            return true;
    }
    return false;
}

char **
dom_xml_written_targets(const char *xml, gsize len)
{
    g_autoptr(xmlDoc) doc = dom_parse(xml, len, NULL);
    g_autoptr(GPtrArray) nodes =
        dom_disk_nodes(doc ? xmlDocGetRootElement(doc) : NULL);
    GPtrArray *targets = g_ptr_array_new();

    for (guint i = 0; i < nodes->len; i++)
        if (dom_is_writable(nodes->pdata[i]))
            g_ptr_array_add(targets,
                            dom_child_attr(nodes->pdata[i], "target", "dev"));
    g_ptr_array_add(targets, NULL);
    return (char **)g_ptr_array_free(targets, FALSE);
}
