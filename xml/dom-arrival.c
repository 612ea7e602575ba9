/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-arrival.c - a nonce in the definition of a guest that arrives
 *
 *     <metadata>
 *       <arrival xmlns='urn:remora:arrival:1' nonce='00112233445566778899'/>
 *
 * The filter of a migration puts it there, and the start that follows finds it:
 * nothing else tells an arrival from a start of its own. Outside of that it is
 * a leftover without meaning, so one that is not understood is passed over.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

bool
dom_nonce_check(const char *nonce)
{
    gsize len = strlen(nonce);

    return len >= DOM_NONCE_MIN && len <= DOM_NONCE_MAX &&
           strspn(nonce, "0123456789abcdefABCDEF") == len;
}

static bool
is_arrival(const xmlNode *node)
{
    return node->type == XML_ELEMENT_NODE && node->ns && node->ns->href &&
           strcmp((const char *)node->ns->href, DOM_ARRIVAL_NAMESPACE) == 0;
}

/* As with ours, the first of its namespace counts. */
static xmlNode *
find(xmlNode *root)
{
    xmlNode *metadata = dom_child(root, "metadata");
    xmlNode *node = metadata ? metadata->children : NULL;

    while (node && !is_arrival(node))
        node = node->next;
    return node;
}

char *
dom_arrival_read(xmlNode *root)
{
    g_autofree char *nonce = dom_attr(find(root), "nonce");

    return nonce && dom_nonce_check(nonce) ? g_steal_pointer(&nonce) : NULL;
}

bool
dom_arrival_write(xmlNode *root, const char *nonce)
{
    xmlNode *node = find(root);

    if (!nonce)
        return dom_remove(node);
    if (!node) {
        node = xmlNewDocNode(root->doc, NULL, BAD_CAST "arrival", NULL);
        xmlSetNs(node, xmlNewNs(node, BAD_CAST DOM_ARRIVAL_NAMESPACE, NULL));
        dom_append(dom_record_place(root), node);
    }
    return dom_set_attr(node, "nonce", nonce);
}
