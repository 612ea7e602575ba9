/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-tree.c - finding one's way in a document
 *
 * Contract: changes nothing. Every function takes NULL for a node and answers
 *           as if there were nothing in it.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

bool
dom_is_ours(const xmlNode *node)
{
    return node && node->type == XML_ELEMENT_NODE && node->ns &&
           node->ns->href &&
           strcmp((const char *)node->ns->href, DOM_NAMESPACE) == 0;
}

static bool
has_name(const xmlNode *node, const char *name)
{
    return node && node->type == XML_ELEMENT_NODE &&
           strcmp((const char *)node->name, name) == 0;
}

bool
dom_is_named(const xmlNode *node, const char *name)
{
    return has_name(node, name) && !node->ns;
}

xmlNode *
dom_child_next(xmlNode *node, const char *name)
{
    for (node = node ? node->next : NULL; node; node = node->next) {
        if (dom_is_named(node, name))
            return node;
    }
    return NULL;
}

xmlNode *
dom_child(xmlNode *parent, const char *name)
{
    xmlNode *first = parent ? parent->children : NULL;

    return dom_is_named(first, name) ? first : dom_child_next(first, name);
}

xmlNode *
dom_child_ours(xmlNode *parent, const char *name)
{
    xmlNode *node = parent ? parent->children : NULL;

    for (; node; node = node->next) {
        if (has_name(node, name) && (!node->ns || dom_is_ours(node)))
            return node;
    }
    return NULL;
}

GPtrArray *
dom_elements(xmlNode *parent)
{
    GPtrArray *elements = g_ptr_array_new();
    xmlNode *node = parent ? parent->children : NULL;

    for (; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE)
            g_ptr_array_add(elements, node);
    }
    return elements;
}

GPtrArray *
dom_disk_nodes(xmlNode *root)
{
    GPtrArray *disks = g_ptr_array_new();
    xmlNode *devices = dom_child(root, "devices");

    /* libvirt reads all of them, should there be several. */
    for (; devices; devices = dom_child_next(devices, "devices")) {
        xmlNode *disk = dom_child(devices, "disk");

        for (; disk; disk = dom_child_next(disk, "disk"))
            g_ptr_array_add(disks, disk);
    }
    return disks;
}

/* The node after this one in document order, inside top. */
xmlNode *
dom_walk(xmlNode *node, const xmlNode *top)
{
    if (node->type == XML_ELEMENT_NODE && node->children)
        return node->children;
    while (node != top && !node->next)
        node = node->parent;
    return node == top ? NULL : node->next;
}

static char *
take_xml_string(xmlChar *text)
{
    char *copy = g_strdup((const char *)text);

    xmlFree(text);
    return copy;
}

char *
dom_attr(xmlNode *node, const char *name)
{
    xmlChar *value = node ? xmlGetProp(node, BAD_CAST name) : NULL;

    return value ? take_xml_string(value) : NULL;
}

char *
dom_child_attr(xmlNode *parent, const char *child, const char *name)
{
    return dom_attr(dom_child(parent, child), name);
}

/* Without the blanks around it; NULL when that leaves nothing. */
char *
dom_text(xmlNode *node)
{
    xmlChar *content = node ? xmlNodeGetContent(node) : NULL;
    g_autofree char *text = content ? take_xml_string(content) : NULL;

    if (!text || !*g_strstrip(text))
        return NULL;
    return g_steal_pointer(&text);
}
