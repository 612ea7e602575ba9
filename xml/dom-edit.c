/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-edit.c - changing a document, in the user's own indentation
 *
 * Contract: functions that return bool say whether anything changed, because
 *           what is already right must stay byte for byte. libxml2 joins text
 *           nodes that meet, so an element is put in first and its blanks
 *           before it afterwards.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

bool
dom_set_attr(xmlNode *node, const char *name, const char *value)
{
    g_autofree char *old = dom_attr(node, name);

    if (g_strcmp0(old, value) == 0)
        return false;
    /* xmlSetProp reads a ':' in the name, not in the value. */
    xmlSetProp(node, BAD_CAST name, BAD_CAST value);
    return true;
}

bool
dom_unset_attr(xmlNode *node, const char *name)
{
    xmlAttr *attr = xmlHasNsProp(node, BAD_CAST name, NULL);

    if (!attr || attr->type != XML_ATTRIBUTE_NODE)
        return false;
    xmlRemoveProp(attr);
    return true;
}

static bool
is_blank_text(const xmlNode *node)
{
    return node && node->type == XML_TEXT_NODE && xmlIsBlankNode(node);
}

/* What stands between the start of its line and node; NULL: it has no line
 * of its own. */
static char *
indentation(const xmlNode *node)
{
    const char *newline;

    if (!node || !is_blank_text(node->prev))
        return NULL;
    newline = strrchr((const char *)node->prev->content, '\n');
    return newline ? g_strdup(newline + 1) : NULL;
}

static char *
child_indentation(xmlNode *parent)
{
    g_autofree char *own = NULL;

    for (xmlNode *node = parent->children; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE) {
            g_autofree char *found = indentation(node);

            return g_steal_pointer(&found);
        }
    }
    own = indentation(parent);
    return own ? g_strconcat(own, "  ", NULL) : NULL;
}

static xmlNode *
new_line(xmlNode *near, const char *indent)
{
    g_autofree char *text = g_strconcat("\n", indent, NULL);

    return xmlNewDocText(near->doc, BAD_CAST text);
}

void
dom_insert(xmlNode *parent, xmlNode *after, xmlNode *child)
{
    g_autofree char *indent = child_indentation(parent);
    g_autofree char *own = indentation(parent);
    bool alone = parent->children == NULL;

    if (after)
        xmlAddNextSibling(after, child);
    else if (alone)
        xmlAddChild(parent, child);
    else
        xmlAddPrevSibling(parent->children, child);
    if (!indent)
        return;
    xmlAddPrevSibling(child, new_line(parent, indent));
    if (alone)
        xmlAddNextSibling(child, new_line(parent, own ? own : ""));
}

void
dom_append(xmlNode *parent, xmlNode *child)
{
    xmlNode *last = parent->last;

    while (last && (is_blank_text(last)))
        last = last->prev;
    dom_insert(parent, last, child);
}

xmlNode *
dom_add(xmlNode *parent, const char *const *places, const char *name)
{
    xmlNode *node = xmlNewDocNode(parent->doc, NULL, BAD_CAST name, NULL);
    xmlNode *after = NULL;

    for (xmlNode *at = parent->children; places && at; at = at->next) {
        if (at->type == XML_ELEMENT_NODE && !at->ns &&
            dom_in_list(places, (const char *)at->name))
            after = at;
    }
    dom_insert(parent, after, node);
    return node;
}

static void
drop(xmlNode *node)
{
    xmlUnlinkNode(node);
    xmlFreeNode(node);
}

bool
dom_remove(xmlNode *node)
{
    xmlNode *parent;
    xmlNode *before;

    if (!node)
        return false;
    parent = node->parent;
    before = node->prev;
    drop(node);
    if (is_blank_text(before))
        drop(before);
    /* <a>blanks</a> becomes <a/>. */
    if (parent && is_blank_text(parent->children) && !parent->children->next)
        drop(parent->children);
    return true;
}

static bool
holds_elements_only(const xmlNode *node)
{
    bool elements = false;

    for (const xmlNode *at = node->children; at; at = at->next) {
        if (at->type == XML_ELEMENT_NODE || at->type == XML_COMMENT_NODE)
            elements = true;
        else if (!is_blank_text(at))
            return false;
    }
    return elements;
}

static void
indent_children(xmlNode *parent, const char *own)
{
    g_autofree char *inner = own ? g_strconcat(own, "  ", NULL) : NULL;
    xmlNode *next;

    for (xmlNode *at = parent->children; at; at = next) {
        next = at->next;
        if (is_blank_text(at))
            drop(at);
    }
    if (!inner)
        return;
    for (xmlNode *at = parent->children; at; at = at->next)
        xmlAddPrevSibling(at, new_line(parent, inner));
    xmlAddNextSibling(parent->last, new_line(parent, own));
}

/* Lays out what came from another depth, from top's own place on. */
void
dom_indent(xmlNode *top)
{
    for (xmlNode *at = top; at; at = dom_walk(at, top)) {
        if (at->type == XML_ELEMENT_NODE && holds_elements_only(at)) {
            g_autofree char *own = indentation(at);

            indent_children(at, own);
        }
    }
}

static bool
is_our_uri(const xmlNs *ns)
{
    return ns && ns->href && strcmp((const char *)ns->href, DOM_NAMESPACE) == 0;
}

static void
drop_declarations(xmlNode *node)
{
    xmlNs **link = &node->nsDef;

    while (*link) {
        xmlNs *ns = *link;

        if (is_our_uri(ns)) {
            *link = ns->next;
            xmlFreeNs(ns);
        } else {
            link = &ns->next;
        }
    }
}

void
dom_strip_namespace(xmlNode *top)
{
    for (xmlNode *at = top; at; at = dom_walk(at, top)) {
        if (at->type != XML_ELEMENT_NODE)
            continue;
        if (is_our_uri(at->ns))
            at->ns = NULL;
        /* An attribute of ours means nothing; it only held the declaration
         * that must go. */
        for (xmlAttr *attr = at->properties, *next; attr; attr = next) {
            next = attr->next;
            if (is_our_uri(attr->ns))
                xmlRemoveProp(attr);
        }
    }
    for (xmlNode *at = top; at; at = dom_walk(at, top)) {
        if (at->type == XML_ELEMENT_NODE)
            drop_declarations(at);
    }
}
