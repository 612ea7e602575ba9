/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/process.c - whether a process that was seen before still runs
 */
#include "config.h"

#include "agent/process.h"

#include <string.h>

/* Places among what follows the name, which begins with field 3. */
enum { STATE = 0, THREADS = 17, START = 19, WANTED = 20 };

/* A zombie holds nothing any more: its connections are closed. But a process
 * whose first thread alone has ended looks like one, and its other threads,
 * even if they are being killed, hold all of it. */
static bool
is_dead(char *const *fields)
{
    return fields[STATE][0] == 'Z' && strcmp(fields[THREADS], "1") == 0;
}

bool
process_start(gint64 pid, guint64 *ret_start)
{
    g_autofree char *path =
        g_strdup_printf("/proc/%" G_GINT64_FORMAT "/stat", pid);
    g_autofree char *text = NULL;
    g_autoptr(GError) why = NULL;
    const char *rest;

    *ret_start = 0;
    if (!g_file_get_contents(path, &text, NULL, &why))
        return g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_NOENT);
    /* The name in brackets may hold anything; the fields follow its last. */
    rest = strrchr(text, ')');
    g_auto(GStrv) fields =
        g_strsplit(rest && rest[1] ? rest + 2 : "", " ", WANTED + 1);
    if (g_strv_length(fields) < WANTED)
        return false;
    return is_dead(fields) ||
           g_ascii_string_to_unsigned(fields[START], 10, 1, G_MAXUINT64,
                                      ret_start, NULL);
}
