/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xml/dom-error.c - one way to refuse
 *
 * Contract: always sets error, always returns FALSE, so that a caller can
 *           write 'return dom_fail(...)'. What is untrusted is quoted, so
 *           control characters and broken UTF-8 are made harmless here.
 */
#include "config.h"

#include "xml/dom-internal.h"

#include <stdarg.h>

GQuark
dom_error_quark(void)
{
    return g_quark_from_static_string("dom-error-quark");
}

gboolean
dom_fail(GError **error, DomErrorCode code, const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *line = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    line = g_utf8_make_valid(text, -1);
    for (char *c = line; *c; c++) {
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    }
    g_set_error_literal(error, DOM_ERROR, (int)code, g_strchomp(line));
    return FALSE;
}
