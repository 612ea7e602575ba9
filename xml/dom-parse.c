/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-parse.c - text to a checked document, and back
 *
 * The calls and options are libvirt's, so that both read the same. A document
 * type that declares an attribute is refused, and any entity: they could put in
 * what no scan of the text has seen.
 *
 * Must not: print (libxml2 does by default), reach the network, substitute
 *           entities, read a document type from elsewhere.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlsave.h>

#include <string.h>

#define PARSE_OPTIONS                                                          \
    (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |               \
     XML_PARSE_BIG_LINES)

static void
refuse_document(xmlParserCtxt *context)
{
    bool *refused = context->_private;

    *refused = true;
    xmlStopParser(context);
}

static void
refuse_entity(void *data,
              const xmlChar *name G_GNUC_UNUSED,
              int type G_GNUC_UNUSED,
              const xmlChar *public_id G_GNUC_UNUSED,
              const xmlChar *system_id G_GNUC_UNUSED,
              xmlChar *content G_GNUC_UNUSED)
{
    refuse_document(data);
}

/* Not asked for '&lt;' and the like. */
static xmlEntity *
refuse_reference(void *data, const xmlChar *name G_GNUC_UNUSED)
{
    refuse_document(data);
    return NULL;
}

static void
refuse_attribute(void *data,
                 const xmlChar *element G_GNUC_UNUSED,
                 const xmlChar *name G_GNUC_UNUSED,
                 int type G_GNUC_UNUSED,
                 int def G_GNUC_UNUSED,
                 const xmlChar *value G_GNUC_UNUSED,
                 xmlEnumeration *tree)
{
    xmlFreeEnumeration(tree);
    refuse_document(data);
}

static gboolean
fail_depth(GError **error)
{
    return dom_fail(error, DOM_ERROR_LIMIT,
                    "the definition nests more than %u elements below <domain>",
                    DOM_DEPTH_MAX);
}

/* Up to 2.12, libxml2 has refused it already. */
static bool
is_deep(const xmlNode *root)
{
    guint depth = 0;

    for (const xmlNode *node = root; node;) {
        if (node->type == XML_ELEMENT_NODE && depth > DOM_DEPTH_MAX)
            return true;
        if (node->type == XML_ELEMENT_NODE && node->children) {
            node = node->children;
            depth++;
            continue;
        }
        while (node != root && !node->next) {
            node = node->parent;
            depth--;
        }
        node = node == root ? NULL : node->next;
    }
    return false;
}

/* libxml2 has no way to ask how deep it was that all versions have. */
static gboolean
fail_as_libxml2(xmlParserCtxt *context, GError **error)
{
    const xmlError *last = xmlCtxtGetLastError(context);

    if (last && last->message &&
        g_str_has_prefix(last->message, "Excessive depth"))
        return fail_depth(error);
    if (!last || !last->message)
        return dom_fail(error, DOM_ERROR_MALFORMED,
                        "the definition is not well-formed XML");
    return dom_fail(error, DOM_ERROR_MALFORMED,
                    "the definition is not well-formed XML: line %d: %.200s",
                    last->line, last->message);
}

static xmlDoc *
parse_text(const char *text, bool decoded, GError **error)
{
    xmlParserCtxt *context;
    bool refused = false;
    xmlDoc *doc;

    xmlInitParser();
    context = xmlNewParserCtxt();
    if (!context) {
        dom_fail(error, DOM_ERROR_LIMIT, "out of memory");
        return NULL;
    }
    context->_private = &refused;
    context->sax->entityDecl = refuse_entity;
    context->sax->getEntity = refuse_reference;
    context->sax->getParameterEntity = refuse_reference;
    context->sax->attributeDecl = refuse_attribute;
    doc = xmlCtxtReadDoc(context, BAD_CAST text, NULL, NULL,
                         PARSE_OPTIONS | (decoded ? XML_PARSE_IGNORE_ENC : 0));
    if (refused) {
        g_clear_pointer(&doc, xmlFreeDoc);
        dom_fail(error, DOM_ERROR_MALFORMED,
                 "the definition has an entity, or an attribute that its "
                 "document type declares: write out what it stands for, and "
                 "remove the '<!DOCTYPE'");
    } else if (!doc) {
        fail_as_libxml2(context, error);
    } else if (is_deep(xmlDocGetRootElement(doc))) {
        g_clear_pointer(&doc, xmlFreeDoc);
        fail_depth(error);
    }
    xmlFreeParserCtxt(context);
    return doc;
}

xmlDoc *
dom_parse_any(const char *xml, gsize len, GError **error)
{
    g_auto(DomBytes) bytes = {0};
    g_autofree char *other = NULL;
    xmlDoc *doc;

    if (!dom_bytes_read(xml, len, &bytes, error))
        return NULL;
    other = dom_bytes_as_declared(&bytes);
    doc = parse_text(bytes.text, bytes.decoded, other ? NULL : error);
    return doc || !other ? doc : parse_text(other, true, error);
}

/* libvirt takes the element in any namespace, but not what is in it. */
gboolean
dom_check_root(const xmlNode *root, const char *name, GError **error)
{
    if (!root || strcmp((const char *)root->name, name) != 0)
        return dom_fail(error, DOM_ERROR_MALFORMED,
                        "the definition is a <" DOM_QUOTE ">, not a <%s>",
                        root ? (const char *)root->name : "", name);
    if (root->ns)
        return dom_fail(error, DOM_ERROR_MALFORMED,
                        "the <%s> is in a namespace: remove its prefix, or "
                        "'xmlns'",
                        name);
    return TRUE;
}

xmlDoc *
dom_parse(const char *xml, gsize len, GError **error)
{
    g_autoptr(xmlDoc) doc = dom_parse_any(xml, len, error);

    if (!doc)
        return NULL;
    return dom_check_root(xmlDocGetRootElement(doc), "domain", error)
               ? g_steal_pointer(&doc)
               : NULL;
}

char *
dom_dump(xmlDoc *doc)
{
    /* -1 is libxml2's word for a document without an XML declaration. */
    int options = doc->standalone == -1 ? XML_SAVE_NO_DECL : 0;
    xmlBuffer *buffer = xmlBufferCreate();
    xmlSaveCtxt *save = xmlSaveToBuffer(buffer, "UTF-8", options);
    char *text;

    xmlSaveDoc(save, doc);
    xmlSaveClose(save);
    text = g_strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}

/* The copy declares the namespaces that node has from its ancestors. */
char *
dom_dump_node(xmlNode *node)
{
    xmlBuffer *buffer = xmlBufferCreate();
    g_autoptr(xmlDoc) doc = xmlNewDoc(BAD_CAST "1.0");
    xmlNode *copy = xmlDocCopyNode(node, doc, 1);
    char *text;

    xmlDocSetRootElement(doc, copy);
    xmlNodeDump(buffer, doc, copy, 0, 0);
    text = g_strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}
