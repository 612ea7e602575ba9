/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/recoveries.c - what dead clients left and was put right on this host
 *
 * Lines are JSON, each written in one call to a file that is only appended
 * to, so that several processes may write at once.
 */
#include "config.h"

#include "agent/recoveries.h"

#include "agent/host.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *
file_path(const char *name)
{
    return g_build_filename(HOST_RUN_DIR, name, NULL);
}

/* Two who do that at once may lose what was set aside before: only people read
 * it. */
static void
set_aside(const char *path)
{
    g_autofree char *old = file_path("recoveries.old");
    GStatBuf about;

    if (g_stat(path, &about) == 0 && about.st_size > RECOVERIES_FILE_MAX)
        (void)g_rename(path, old);
}

static bool
append(const char *line)
{
    g_autofree char *path = file_path("recoveries");
    gssize len = (gssize)strlen(line);
    bool written;
    int fd;

    set_aside(path);
    fd = g_open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    written = write(fd, line, (size_t)len) == len;
    (void)close(fd);
    return written;
}

void
recoveries_note(const LogAbout *about, const char *text)
{
    json_t *json = json_pack("{s:I, s:s?, s:s?, s:s?, s:s}", "time",
                             (json_int_t)(g_get_real_time() / G_USEC_PER_SEC),
                             "domain", about->domain, "disk", about->disk,
                             "image", about->image, "text", text);
    char *dump = json ? json_dumps(json, JSON_COMPACT) : NULL;
    g_autofree char *line = dump ? g_strconcat(dump, "\n", NULL) : NULL;

    free(dump);
    json_decref(json);
    log_warning(about, "recovered: %s", text);
    if (line && !append(line))
        log_debug(about, "this is not kept for 'remora status'");
}

/* The newest line comes last in a file. */
static void
add_file(json_t *list, const char *name, size_t max)
{
    g_autofree char *path = file_path(name);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = g_strv_length(lines); i > 0 && json_array_size(list) < max;
         i--) {
        json_t *json = json_loads(lines[i - 1], 0, NULL);

        if (json)
            json_array_append_new(list, json);
    }
}

json_t *
recoveries_list(size_t max)
{
    json_t *list = json_array();

    add_file(list, "recoveries", max);
    add_file(list, "recoveries.old", max);
    return list;
}
