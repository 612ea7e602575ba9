/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-plain.c - a disk of ours says each thing once, and plainly
 *
 * libvirt reads most attributes whatever their prefix, and some only without
 * one; of two elements it takes the first, and has taken the last. Which, has
 * changed with its versions. What is no business of remora may be written in
 * any way; in a disk that is, nothing may be read in two.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

static gboolean
check_prefixes(const xmlNode *node, GError **error)
{
    for (const xmlAttr *attr = node->properties; attr; attr = attr->next) {
        if (attr->ns)
            return dom_fail(error, DOM_ERROR_REQUEST,
                            "the attribute '" DOM_QUOTE ":" DOM_QUOTE
                            "' of its <" DOM_QUOTE "> has a prefix, which "
                            "libvirt ignores: write it without",
                            (const char *)attr->ns->prefix,
                            (const char *)attr->name, (const char *)node->name);
    }
    return TRUE;
}

static gboolean
check_once(xmlNode *parent, const char *name, GError **error)
{
    if (!dom_child_next(dom_child(parent, name), name))
        return TRUE;
    return dom_fail(error, DOM_ERROR_REQUEST, "it has two <%s>: remove one",
                    name);
}

gboolean
dom_plain_check(xmlNode *disk, GError **error)
{
    for (xmlNode *at = disk; at; at = dom_walk(at, disk)) {
        if (at->type == XML_ELEMENT_NODE && !at->ns &&
            !check_prefixes(at, error))
            return FALSE;
    }
    return check_once(disk, "source", error) &&
           check_once(disk, "target", error) &&
           check_once(disk, "driver", error) &&
           check_once(dom_child(disk, "source"), "snapshot", error);
}
