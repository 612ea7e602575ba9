/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-bytes.c - bytes as the text that libvirt takes them for
 *
 * They are looked at before libxml2 sees them, because it takes a time that
 * grows with the square of the input to compare the attributes of an element
 * and to find a prefix, and much memory for what is short to write. The look is
 * a plain scan, for which every '<', '=' and quote must be the byte that it is in
 * ASCII; in an encoding that may have them at other bytes, what it decodes to is
 * looked at as well.
 *
 * libvirt hands libxml2 a string, up to its first NUL. Whether the declared
 * encoding counts then depends on libxml2's version: older ones take the string
 * for UTF-8, and refuse what is none. So the text is parsed as it is, by the
 * same call; only what is refused then is read as it is declared.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

/* Those that hide nothing: beginnings, in lower case. Of the last ones every
 * character has a NUL in it, if it is ASCII: what has none cannot hide any. */
static const char *const plain_encodings[] = {
    "utf-8",    "utf8",   "us-ascii", "ascii", "iso-8859-",
    "iso8859-", "latin",  "windows-", "cp125", "koi8-",
    "euc-",     "gb",     "big5",     "sjis",  "shift_jis",
    "html",     "utf-16", "utf-32",   "ucs-",  "iso-10646-",
};

void
dom_bytes_clear(DomBytes *bytes)
{
    g_clear_pointer(&bytes->text, g_free);
    g_clear_pointer(&bytes->encoding, g_free);
}

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

/* ---- limits -------------------------------------------------------------- */

typedef struct {
    guint attributes; /* in the element so far, or more */
    guint namespaces;
    guint pieces;
} Counts;

static gboolean
check_counts(const Counts *counts, GError **error)
{
    if (counts->attributes > DOM_ATTRIBUTES_MAX)
        return dom_fail(error, DOM_ERROR_LIMIT,
                        "an element has more than %u attributes",
                        DOM_ATTRIBUTES_MAX);
    if (counts->namespaces > DOM_NAMESPACES_MAX)
        return dom_fail(error, DOM_ERROR_LIMIT,
                        "the definition declares more than %u namespaces",
                        DOM_NAMESPACES_MAX);
    if (counts->pieces > DOM_PIECES_MAX)
        return dom_fail(error, DOM_ERROR_LIMIT,
                        "the definition has more than %u tags and attributes",
                        DOM_PIECES_MAX);
    return TRUE;
}

/*
 * Counts what is cheap to write and dear to parse. No '<' can stand inside a
 * tag, so what is counted between two of them is never less than the
 * attributes of one element.
 */
static gboolean
count(const char *xml, const char *end, GError **error)
{
    Counts counts = {0};

    for (const char *at = xml; at < end; at++) {
        if (*at == '<') {
            counts.attributes = 0;
            counts.pieces++;
        } else if (*at == '=') {
            const char *next = skip_blanks(at + 1, end);

            if (next < end && (*next == '"' || *next == '\'')) {
                counts.attributes++;
                counts.pieces++;
            }
        } else if (*at == 'x' && end - at >= 5 && memcmp(at, "xmlns", 5) == 0) {
            counts.namespaces++;
        } else {
            continue;
        }
        if (!check_counts(&counts, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- encodings ----------------------------------------------------------- */

static bool
is_encoding_name(const char *name)
{
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] ==
           '\0';
}

static bool
is_plain_encoding(const char *name)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);

    for (gsize i = 0; i < G_N_ELEMENTS(plain_encodings); i++) {
        if (g_str_has_prefix(lower, plain_encodings[i]))
            return true;
    }
    return false;
}

static bool
is_about_text(const GError *why)
{
    return g_error_matches(why, G_CONVERT_ERROR,
                           G_CONVERT_ERROR_ILLEGAL_SEQUENCE) ||
           g_error_matches(why, G_CONVERT_ERROR, G_CONVERT_ERROR_PARTIAL_INPUT);
}

/* What the text is up to where it is none of that encoding; NULL: nobody here
 * knows the encoding. */
static char *
decode_start(const char *text, const char *encoding, gsize *ret_len)
{
    g_autoptr(GError) why = NULL;
    gsize read = 0;
    char *utf8 = g_convert(text, -1, "UTF-8", encoding, &read, ret_len, &why);

    if (utf8 || !is_about_text(why))
        return utf8;
    utf8 =
        g_convert(text, (gssize)read, "UTF-8", encoding, NULL, ret_len, NULL);
    if (!utf8)
        *ret_len = 0;
    return utf8 ? utf8 : g_strdup("");
}

/* Read as it is declared or not, it keeps to the limits. */
static gboolean
check_encoding(const DomBytes *bytes, GError **error)
{
    const char *name = bytes->encoding;
    g_autofree char *decoded = NULL;
    gsize len = 0;

    if (is_encoding_name(name)) {
        if (is_plain_encoding(name))
            return TRUE;
        decoded = decode_start(bytes->text, name, &len);
    }
    if (decoded)
        return count(decoded, decoded + len, error);
    return dom_fail(error, DOM_ERROR_MALFORMED,
                    "the definition is encoded as '" DOM_QUOTE "': save it as "
                    "UTF-8",
                    name);
}

/* at: what follows the word 'encoding'. */
static gboolean
read_encoding_name(const char *at,
                   const char *end,
                   DomBytes *bytes,
                   GError **error)
{
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
    g_free(bytes->encoding);
    bytes->encoding = g_strndup(start, (gsize)(at - start));
    return check_encoding(bytes, error);
}

/* In the XML declaration, if there is one. */
static gboolean
read_encoding(const char *xml, const char *end, DomBytes *bytes, GError **error)
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
            !read_encoding_name(at + strlen(word), stop, bytes, error))
            return FALSE;
    }
    return TRUE;
}

/* NULL: it is none. */
static const char *
utf16_of(const char *xml, gsize len)
{
    static const struct {
        const char *begin;
        gsize len;
        const char *encoding;
    } signs[] = {
        {"\xff\xfe", 2, "UTF-16LE"},
        {"\xfe\xff", 2, "UTF-16BE"},
        {"<\0?\0", 4, "UTF-16LE"},
        {"\0<\0?", 4, "UTF-16BE"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(signs); i++) {
        if (len >= signs[i].len &&
            memcmp(xml, signs[i].begin, signs[i].len) == 0)
            return signs[i].encoding;
    }
    return NULL;
}

/* Takes whole characters only, and none that would end the string. */
static char *
convert(const char *text, gsize len, const char *encoding)
{
    gsize read = 0;
    gsize written = 0;
    g_autofree char *utf8 =
        g_convert(text, (gssize)len, "UTF-8", encoding, &read, &written, NULL);

    if (!utf8 || read != len || written > DOM_XML_MAX ||
        strlen(utf8) != written)
        return NULL;
    return g_steal_pointer(&utf8);
}

char *
dom_bytes_as_declared(const DomBytes *bytes)
{
    if (!bytes->encoding || bytes->decoded ||
        g_utf8_validate(bytes->text, -1, NULL))
        return NULL;
    return convert(bytes->text, strlen(bytes->text), bytes->encoding);
}

/* ---- all of it ----------------------------------------------------------- */

static gboolean
fail_not_xml(GError **error)
{
    return dom_fail(error, DOM_ERROR_MALFORMED,
                    "the definition is not XML in UTF-8");
}

static gboolean
check_text(DomBytes *bytes, GError **error)
{
    static const char mark[] = "\xef\xbb\xbf";
    const char *xml = bytes->text;
    const char *end = xml + strlen(xml);
    bool marked = g_str_has_prefix(xml, mark);

    if (marked)
        xml += strlen(mark);
    if (skip_blanks(xml, end) == end)
        return dom_fail(error, DOM_ERROR_MALFORMED, "the definition is empty");
    if (*skip_blanks(xml, end) != '<')
        return fail_not_xml(error);
    if (!bytes->decoded && !read_encoding(xml, end, bytes, error))
        return FALSE;
    /* The mark says what it is. */
    if (marked)
        g_clear_pointer(&bytes->encoding, g_free);
    return count(xml, end, error);
}

gboolean
dom_bytes_read(const char *xml, gsize len, DomBytes *ret_bytes, GError **error)
{
    g_auto(DomBytes) bytes = {0};
    const char *utf16 = utf16_of(xml, len);

    if (len > DOM_XML_MAX)
        return dom_fail(error, DOM_ERROR_LIMIT,
                        "the definition has %" G_GSIZE_FORMAT
                        " bytes: at most %u are taken",
                        len, DOM_XML_MAX);
    bytes.decoded = utf16 != NULL;
    if (utf16)
        bytes.text = convert(xml, len, utf16);
    else if (len == 0 || !memchr(xml, 0, len))
        bytes.text = g_strndup(xml, len);
    if (!bytes.text)
        return fail_not_xml(error);
    if (!check_text(&bytes, error))
        return FALSE;
    *ret_bytes = bytes;
    bytes = (DomBytes){0};
    return TRUE;
}
