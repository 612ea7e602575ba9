/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-units.c - times and sizes as people write them
 */
#include "config.h"

#include "conf/conf-units.h"

typedef struct {
    const char *name;
    guint64 factor;
    gboolean spoken; /* whether the formatter uses it */
} Unit;

/* Largest first: the formatter takes the first that leaves no rest. */
static const Unit time_units[] = {
    {"d", 24 * 60 * 60 * 1000, TRUE},
    {"h", 60 * 60 * 1000, TRUE},
    {"min", 60 * 1000, FALSE},
    {"s", 1000, TRUE},
    {"ms", 1, TRUE},
    {NULL, 0, FALSE},
};

#define BINARY(power) (G_GUINT64_CONSTANT(1) << (10 * (power)))

static const Unit size_units[] = {
    {"TiB", BINARY(4), TRUE}, {"T", BINARY(4), FALSE},
    {"GiB", BINARY(3), TRUE}, {"G", BINARY(3), FALSE},
    {"MiB", BINARY(2), TRUE}, {"M", BINARY(2), FALSE},
    {"KiB", BINARY(1), TRUE}, {"K", BINARY(1), FALSE},
    {"B", 1, TRUE},           {NULL, 0, FALSE},
};

static gboolean
parse(const Unit *units, const char *text, guint64 *ret_value)
{
    const char *p = text;
    guint64 value = 0;

    if (!g_ascii_isdigit(*p))
        return FALSE;
    for (; g_ascii_isdigit(*p); p++) {
        guint64 digit = (guint64)(*p - '0');

        if (!g_uint64_checked_mul(&value, value, 10) ||
            !g_uint64_checked_add(&value, value, digit))
            return FALSE;
    }
    while (*p == ' ')
        p++;
    for (; units->name; units++) {
        if (!g_str_equal(p, units->name))
            continue;
        if (!g_uint64_checked_mul(&value, value, units->factor))
            return FALSE;
        *ret_value = value;
        return TRUE;
    }
    return FALSE;
}

static char *
format(const Unit *units, guint64 value)
{
    while (!units->spoken || value % units->factor != 0)
        units++;
    return g_strdup_printf("%" G_GUINT64_FORMAT " %s", value / units->factor,
                           units->name);
}

gboolean
conf_time_parse(const char *text, guint64 *ret_ms)
{
    return parse(time_units, text, ret_ms);
}

gboolean
conf_size_parse(const char *text, guint64 *ret_bytes)
{
    return parse(size_units, text, ret_bytes);
}

char *
conf_time_format(guint64 ms)
{
    return format(time_units, ms);
}

char *
conf_size_format(guint64 bytes)
{
    return format(size_units, bytes);
}
