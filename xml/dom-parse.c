/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-parse.c - bytes to a checked document, and back
 *
 * The bytes are looked at before libxml2 sees them, because two things that
 * it does take a time that grows with the square of the input: comparing the
 * attributes of an element, and finding a prefix. The look is a plain scan,
 * so it must know the encoding; hence the short list of those.
 *
 * Must not: print (libxml2 does by default), reach the network, substitute
 *           entities, read a document type.
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

/* All are supersets of ASCII, so that the scan sees what libxml2 sees. */
static const char *const encodings[] = {"UTF-8", "US-ASCII", "ASCII",
                                        "ISO-8859-1", NULL};

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *
skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    return at;
}

static gboolean
check_encoding_name(const char *at, const char *end, GError **error)
{
    g_autofree char *name = NULL;
    const char *start;
    char quote;

    at = skip_blanks(at, end);
    if (at == end || *at != '=')
        return TRUE; /* libxml2 will refuse it */
    at = skip_blanks(at + 1, end);
    if (at == end || (*at != '"' && *at != '\''))
        return TRUE;
    quote = *at++;
    start = at;
    while (at < end && *at != quote)
        at++;
    name = g_strndup(start, (gsize)(at - start));
    for (gsize i = 0; encodings[i]; i++) {
        if (g_ascii_strcasecmp(name, encodings[i]) == 0)
            return TRUE;
    }
    return dom_fail(
        error, DOM_ERROR_MALFORMED,
        "the definition is encoded as '" DOM_QUOTE "': save it as UTF-8", name);
}

/* Looks at the XML declaration, if there is one. */
static gboolean
check_encoding(const char *xml, const char *end, GError **error)
{
    static const char word[] = "encoding";
    const char *stop;

    if (end - xml < 5 || memcmp(xml, "<?xml", 5) != 0)
        return TRUE;
    stop = memchr(xml, '>', (gsize)(end - xml));
    if (!stop)
        stop = end;
    for (const char *at = xml; stop - at > (gssize)strlen(word); at++) {
        if (memcmp(at, word, strlen(word)) == 0 &&
            !check_encoding_name(at + strlen(word), stop, error))
            return FALSE;
    }
    return TRUE;
}

/*
 * Counts what is cheap to write and dear to parse. No '<' can stand inside a
 * tag, so what is counted between two of them is never less than the
 * attributes of one element.
 */
static gboolean
check_counts(const char *xml, const char *end, GError **error)
{
    guint attributes = 0;
    guint namespaces = 0;

    for (const char *at = xml; at < end; at++) {
        if (*at == '<') {
            attributes = 0;
        } else if (*at == '=') {
            const char *next = skip_blanks(at + 1, end);

            if (next < end && (*next == '"' || *next == '\''))
                attributes++;
        } else if (*at == 'x' && end - at >= 5 && memcmp(at, "xmlns", 5) == 0) {
            namespaces++;
        }
        if (attributes > DOM_ATTRIBUTES_MAX)
            return dom_fail(error, DOM_ERROR_LIMIT,
                            "an element has more than %u attributes",
                            DOM_ATTRIBUTES_MAX);
        if (namespaces > DOM_NAMESPACES_MAX)
            return dom_fail(error, DOM_ERROR_LIMIT,
                            "the definition declares more than %u namespaces",
                            DOM_NAMESPACES_MAX);
    }
    return TRUE;
}

static gboolean
check_bytes(const char *xml, gsize len, GError **error)
{
    static const char mark[] = "\xef\xbb\xbf";
    const char *end = xml + len;

    if (len > DOM_XML_MAX)
        return dom_fail(error, DOM_ERROR_LIMIT,
                        "the definition has %" G_GSIZE_FORMAT
                        " bytes: at most %u are taken",
                        len, DOM_XML_MAX);
    if (len >= 3 && memcmp(xml, mark, 3) == 0)
        xml += 3;
    if (skip_blanks(xml, end) == end)
        return dom_fail(error, DOM_ERROR_MALFORMED, "the definition is empty");
    if (*skip_blanks(xml, end) != '<' || memchr(xml, 0, (gsize)(end - xml)))
        return dom_fail(error, DOM_ERROR_MALFORMED,
                        "the definition is not XML in UTF-8");
    return check_encoding(xml, end, error) && check_counts(xml, end, error);
}

static void
refuse_doctype(void *data,
               const xmlChar *name G_GNUC_UNUSED,
               const xmlChar *external G_GNUC_UNUSED,
               const xmlChar *system G_GNUC_UNUSED)
{
    xmlParserCtxt *context = data;
    bool *seen = context->_private;

    *seen = true;
    xmlStopParser(context);
}

static gboolean
fail_as_libxml2(const xmlParserCtxt *context, GError **error)
{
    const xmlError *last = &context->lastError;

    if (context->nodeNr > (int)xmlParserMaxDepth)
        return dom_fail(
            error, DOM_ERROR_LIMIT,
            "the definition nests more than %u elements below <domain>",
            xmlParserMaxDepth);
    if (!last->message)
        return dom_fail(error, DOM_ERROR_MALFORMED,
                        "the definition is not well-formed XML");
    return dom_fail(error, DOM_ERROR_MALFORMED,
                    "the definition is not well-formed XML: line %d: %.200s",
                    last->line, last->message);
}

static xmlDoc *
parse_bytes(const char *xml, gsize len, GError **error)
{
    xmlParserCtxt *context;
    bool doctype = false;
    xmlDoc *doc;

    xmlInitParser();
    context = xmlNewParserCtxt();
    if (!context) {
        dom_fail(error, DOM_ERROR_LIMIT, "out of memory");
        return NULL;
    }
    context->_private = &doctype;
    context->sax->internalSubset = refuse_doctype;
    doc = xmlCtxtReadMemory(context, xml, (int)len, NULL, NULL, PARSE_OPTIONS);
    if (doctype) {
        g_clear_pointer(&doc, xmlFreeDoc);
        dom_fail(error, DOM_ERROR_MALFORMED,
                 "the definition has a document type declaration: remove "
                 "the '<!DOCTYPE' line");
    } else if (!doc) {
        fail_as_libxml2(context, error);
    }
    xmlFreeParserCtxt(context);
    return doc;
}

xmlDoc *
dom_parse_any(const char *xml, gsize len, GError **error)
{
    return check_bytes(xml, len, error) ? parse_bytes(xml, len, error) : NULL;
}

xmlDoc *
dom_parse(const char *xml, gsize len, GError **error)
{
    g_autoptr(xmlDoc) doc = dom_parse_any(xml, len, error);
    const xmlNode *root;

    if (!doc)
        return NULL;
    root = xmlDocGetRootElement(doc);
    if (!dom_is_named(root, "domain")) {
        dom_fail(error, DOM_ERROR_MALFORMED,
                 "the definition is a <" DOM_QUOTE ">, not a <domain>",
                 root ? (const char *)root->name : "");
        return NULL;
    }
    return g_steal_pointer(&doc);
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
