/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/sieve.c - byte strings that make a domain ours, or could hide one
 *
 * XML can spell every character in more than one way. What does so where one of
 * the marks could be meant is let through: the agent has a parser.
 */
#include "config.h"

#include "hooks/wire/sieve.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Values of a source's protocol and of a disk's type. libvirt writes single
 * quotes and no blanks around '='; people, and a hook script that ran before
 * this one, write what XML allows. The last can declare entities and the values
 * of attributes that are not written. */
static const char *const marks[] = {
    "'rbd'",      "\"rbd\"",     "'volume'",
    "\"volume\"", "urn:remora:", "http://openstack.org/xmlns/libvirt/nova/",
    "<!DOCTYPE",
};

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

static bool
has_mark(const char *xml, size_t len)
{
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (memmem(xml, len, marks[i], strlen(marks[i])))
            return true;
    return false;
}

/* ---- character references ------------------------------------------------ */

static unsigned
digit_of(char c, unsigned base)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (base == 16 && c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a' + 10);
    if (base == 16 && c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A' + 10);
    return base;
}

/* What '&#' before at stands for; far above any character where the number is
 * too large for one. */
static uint32_t
read_reference(const char *at, const char *end)
{
    const uint32_t most = UINT32_MAX / 32;
    unsigned base = 10;
    uint32_t value = 0;

    if (at < end && *at == 'x') {
        base = 16;
        at++;
    }
    for (; at < end && digit_of(*at, base) < base; at++)
        value = value > most ? most : value * base + digit_of(*at, base);
    return value;
}

/* libvirt writes '&#xe9;' for a letter of the metadata that is not ASCII, and
 * others '&#39;' and '&#10;'. No mark has any of these inside its quotes. */
static bool
hides_letter(const char *xml, const char *end)
{
    const char *at = xml;

    while ((at = memmem(at, (size_t)(end - at), "&#", 2))) {
        uint32_t character = read_reference(at + 2, end);

        if (character >= '-' && character <= 'z')
            return true;
        at += 2;
    }
    return false;
}

/* ---- encodings ----------------------------------------------------------- */

/* Whether name[0..len) leaves every ASCII character at its byte, for sure. */
static bool
is_plain_encoding(const char *name, size_t len)
{
    static const char *const plain[] = {"UTF-8", "UTF8", "US-ASCII", "ASCII"};

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (len == strlen(plain[i]) && strncasecmp(name, plain[i], len) == 0)
            return true;
    return false;
}

/* What follows the word 'encoding'. */
static bool
names_plain_encoding(const char *at, const char *end)
{
    const char *close;

    at = skip_blanks(at, end);
    if (at == end || *at != '=')
        return false;
    at = skip_blanks(at + 1, end);
    if (at == end || (*at != '\'' && *at != '"'))
        return false;
    close = memchr(at + 1, *at, (size_t)(end - at - 1));
    return close && is_plain_encoding(at + 1, (size_t)(close - at - 1));
}

static bool
declares_other_encoding(const char *xml, const char *end)
{
    static const char word[] = "encoding";
    const char *at = xml;
    const char *close;

    if (end - xml < 5 || memcmp(xml, "<?xml", 5) != 0)
        return false;
    close = memchr(xml, '>', (size_t)(end - xml));
    if (!close)
        return true;
    while ((at = memmem(at, (size_t)(close - at), word, strlen(word)))) {
        at += strlen(word);
        if (!names_plain_encoding(at, close))
            return true;
    }
    return false;
}

/* Whether its letters may be other bytes than those of the marks. */
static bool
is_encoded(const char *xml, const char *end)
{
    static const char mark[] = "\xef\xbb\xbf";
    const char *first;

    if (memchr(xml, '\0', (size_t)(end - xml)))
        return true;
    if (end - xml >= 3 && memcmp(xml, mark, 3) == 0)
        xml += 3;
    first = skip_blanks(xml, end);
    return first < end &&
           (*first != '<' || declares_other_encoding(first, end));
}

bool
wire_sieve(const void *xml, size_t len)
{
    const char *begin = xml;
    const char *end = begin + len;

    return has_mark(begin, len) || is_encoded(begin, end) ||
           hides_letter(begin, end);
}
