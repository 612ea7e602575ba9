/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/files.c - whole files and standard input, up to a limit
 */
#include "config.h"

#include "agent/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 65536u

static void
fail(GError **error, const char *path, gsize max, int number)
{
    if (number == EFBIG) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
                    "'%s' is too large: at most %" G_GSIZE_FORMAT
                    " bytes are read",
                    path, max);
        return;
    }
    g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(number),
                "cannot read '%s': %s", path, g_strerror(number));
}

static gboolean
read_up_to(int fd, gsize max, GString *text)
{
    for (;;) {
        gsize had = text->len;
        gssize got;

        g_string_set_size(text, had + CHUNK);
        got = read(fd, text->str + had, CHUNK);
        g_string_set_size(text, had + (got > 0 ? (gsize)got : 0));
        if (got == 0)
            return TRUE;
        if (got < 0 && errno != EINTR)
            return FALSE;
        if (text->len > max) {
            errno = EFBIG;
            return FALSE;
        }
    }
}

GString *
files_read(const char *path, gsize max, GError **error)
{
    bool standard = strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    GString *text;

    if (fd < 0) {
        fail(error, name, max, errno);
        return NULL;
    }
    text = g_string_new(NULL);
    if (!read_up_to(fd, max, text)) {
        fail(error, name, max, errno);
        g_string_free(text, TRUE);
        text = NULL;
    }
    if (!standard)
        (void)close(fd);
    return text;
}
