/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-error.c - the one way in which this room says what is wrong
 */
#include "config.h"

#include "conf/conf-error.h"

/* Enough to recognise a value by, and a line stays a line. */
#define PRINTABLE_MAX 64

G_DEFINE_QUARK(remora_conf_error, conf_error)

char *
conf_printable(const char *text)
{
    GString *out = g_string_new(NULL);
    const char *p = text;

    while (*p) {
        gunichar c = g_utf8_get_char_validated(p, -1);
        const char *end;

        if (p - text >= PRINTABLE_MAX) {
            g_string_append(out, "...");
            break;
        }
        if (c == (gunichar)-1 || c == (gunichar)-2) {
            g_string_append_printf(out, "\\x%02x", (unsigned char)*p++);
            continue;
        }
        end = g_utf8_next_char(p);
        if (g_unichar_iscntrl(c))
            g_string_append_printf(out, "\\x%02x", c);
        else
            g_string_append_len(out, p, end - p);
        p = end;
    }
    return g_string_free(out, FALSE);
}

gboolean
conf_fail_value(GError **error,
                const ConfPlace *place,
                const char *found,
                const char *expected)
{
    g_set_error(error, CONF_ERROR, CONF_ERROR_KEY,
                "%s:%u: '%s': found %s, expected %s", place->file, place->line,
                place->path, found, expected);
    return FALSE;
}

gboolean
conf_fail_unknown(GError **error,
                  const ConfPlace *place,
                  const char *suggestion)
{
    g_autofree char *path = conf_printable(place->path);

    if (suggestion)
        return conf_fail_line(error, CONF_ERROR_KEY, place,
                              "'%s' is not a key: did you mean '%s'?", path,
                              suggestion);
    return conf_fail_line(error, CONF_ERROR_KEY, place,
                          "'%s' is not a key: remora.conf(5) lists them all",
                          path);
}

gboolean
conf_fail_line(GError **error,
               ConfErrorCode code,
               const ConfPlace *place,
               const char *format,
               ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, CONF_ERROR, (int)code, "%s:%u: %s", place->file,
                place->line, message);
    return FALSE;
}
