/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/access.c - whether libvirt asks who may do what with which domain
 *
 * libvirt's configuration: lines of KEY = VALUE, '#' to the end of a line is a
 * comment, and a list may go over several lines.
 */
#include "config.h"

#include "agent/access.h"

#include <glib.h>
#include <string.h>

#define KEY "access_drivers"

static const char *const files[] = {
    "/etc/libvirt/libvirtd.conf",
    "/etc/libvirt/virtqemud.conf",
};

/* Over blanks, line breaks and comments. */
static const char *
skip(const char *at)
{
    for (;;) {
        at += strspn(at, " \t\r\n");
        if (*at != '#')
            return at;
        at += strcspn(at, "\n");
    }
}

/* Whether the value that follows the key is not empty. */
static bool
is_something(const char *at)
{
    at += strspn(at, " \t");
    if (*at != '=')
        return false;
    at = skip(at + 1);
    if (*at == '[')
        return *skip(at + 1) != ']';
    return strncmp(at, "\"\"", 2) != 0 && strncmp(at, "''", 2) != 0;
}

bool
access_is_set(const char *text)
{
    const char *line = text;

    while (*line) {
        line += strspn(line, " \t\r\n");
        if (strncmp(line, KEY, strlen(KEY)) == 0 &&
            is_something(line + strlen(KEY)))
            return true;
        line += strcspn(line, "\n");
    }
    return false;
}

bool
access_is_checked(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *text = NULL;
        g_autoptr(GError) error = NULL;

        if (!g_file_get_contents(files[i], &text, NULL, &error)) {
            if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                return true;
        } else if (access_is_set(text)) {
            return true;
        }
    }
    return false;
}
