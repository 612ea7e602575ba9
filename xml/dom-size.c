/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-size.c - '3 GiB' as a number of bytes
 *
 * Whole arithmetic only: the digits after the point are doubled as a decimal
 * number, once for each bit of the unit, and what is carried out of them is
 * the fraction's share in bytes. What is left must be nothing.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <string.h>

/* A fraction of a TiB that is whole bytes has at most 40 digits. */
#define FRACTION_MAX 40

static const struct {
    const char *name;
    guint shift;
} units[] = {
    {"", 0},     {"B", 0},  {"K", 10},   {"KiB", 10}, {"M", 20},
    {"MiB", 20}, {"G", 30}, {"GiB", 30}, {"T", 40},   {"TiB", 40},
};

static gboolean
fail_range(const char *text, GError **error)
{
    return dom_fail(error, DOM_ERROR_LIMIT,
                    "the size '" DOM_QUOTE
                    "' is not between 1 B and %" G_GUINT64_FORMAT " TiB",
                    text, DOM_SIZE_MAX >> 40);
}

static gboolean
parse_unit(const char *text, const char *at, guint *ret_shift, GError **error)
{
    at += strspn(at, " \t");
    for (gsize i = 0; i < G_N_ELEMENTS(units); i++) {
        if (strcmp(at, units[i].name) == 0) {
            *ret_shift = units[i].shift;
            return TRUE;
        }
    }
    return dom_fail(error, DOM_ERROR_REQUEST,
                    "the size '" DOM_QUOTE "' has no unit that is known: use "
                    "B, KiB, MiB, GiB, TiB, or K, M, G, T",
                    text);
}

/* Doubles digits[0..n), most significant first; returns what is carried. */
static guint64
double_digits(char *digits, gsize n)
{
    int carry = 0;

    for (gsize i = n; i-- > 0;) {
        int twice = 2 * digits[i] + carry;

        digits[i] = (char)(twice % 10);
        carry = twice / 10;
    }
    return (guint64)carry;
}

static gboolean
parse_fraction(const char *text,
               const char *at,
               gsize n,
               guint shift,
               guint64 *ret_bytes,
               GError **error)
{
    char digits[FRACTION_MAX];
    guint64 bytes = 0;

    while (n > 0 && at[n - 1] == '0')
        n--;
    if (n <= FRACTION_MAX) {
        for (gsize i = 0; i < n; i++)
            digits[i] = (char)(at[i] - '0');
        for (guint i = 0; i < shift; i++)
            bytes = 2 * bytes + double_digits(digits, n);
        for (; n > 0 && digits[n - 1] == 0; n--)
            ;
    }
    if (n > 0)
        return dom_fail(
            error, DOM_ERROR_REQUEST,
            "the size '" DOM_QUOTE "' is not a whole number of bytes", text);
    *ret_bytes = bytes;
    return TRUE;
}

static gsize
count_digits(const char *at)
{
    return strspn(at, "0123456789");
}

gboolean
dom_size_parse(const char *text, guint64 *ret_bytes, GError **error)
{
    gsize whole = count_digits(text);
    const char *point = text + whole;
    gsize fraction = *point == '.' ? count_digits(point + 1) : 0;
    const char *rest = *point == '.' ? point + 1 + fraction : point;
    guint64 number = 0;
    guint64 bytes = 0;
    guint shift = 0;

    if (whole == 0 || (*point == '.' && fraction == 0))
        return dom_fail(error, DOM_ERROR_REQUEST,
                        "the size '" DOM_QUOTE
                        "' is not a number: write it as '20 GiB'",
                        text);
    if (!parse_unit(text, rest, &shift, error))
        return FALSE;
    for (const char *c = text; c < point; c++) {
        number = 10 * number + (guint64)(*c - '0');
        if (number > DOM_SIZE_MAX >> shift)
            return fail_range(text, error);
    }
    if (!parse_fraction(text, point + 1, fraction, shift, &bytes, error))
        return FALSE;
    bytes += number << shift;
    if (bytes == 0 || bytes > DOM_SIZE_MAX)
        return fail_range(text, error);
    *ret_bytes = bytes;
    return TRUE;
}
