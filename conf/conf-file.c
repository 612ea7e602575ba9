/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf/conf-file.c - the bytes of the file, and what may not be among them
 *
 * libconfig would read a file by itself, of any length, follow '@include'
 * into any other, and stop at the first NUL. So the bytes are read here,
 * looked at, and handed over as a string.
 */
#include "config.h"

#include "conf/conf-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Takes over fd. Always FALSE. */
static gboolean
fail_file(GError **error, int fd, const char *path, const char *why)
{
    if (fd >= 0)
        close(fd);
    g_set_error(error, CONF_ERROR, CONF_ERROR_FILE, "cannot read '%s': %s",
                path, why);
    return FALSE;
}

/* One byte more than the limit is enough to know. */
static gboolean
read_file(const char *path, GString *text, GError **error)
{
    struct stat st;
    char buffer[2048];
    ssize_t n;
    /* A FIFO must not hold up the start of a daemon: it is refused below. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return fail_file(error, fd, path, g_strerror(errno));
    if (fstat(fd, &st) < 0)
        return fail_file(error, fd, path, g_strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fail_file(error, fd, path, "it is not a regular file");
    while ((n = read(fd, buffer, sizeof(buffer))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_file(error, fd, path, g_strerror(errno));
        g_string_append_len(text, buffer, n);
        if (text->len > CONF_FILE_MAX)
            return fail_file(error, fd, path,
                             "it is larger than 1 MiB, which no "
                             "configuration is");
    }
    close(fd);
    return TRUE;
}

static guint
line_of(const GString *text, const char *where)
{
    guint line = 1;

    for (const char *p = text->str; p < where; p++)
        line += *p == '\n';
    return line;
}

/* libconfig knows the directive at the beginning of a line only. In a string
 * or a comment of several lines it would be harmless; refused all the same. */
static const char *
find_include(const GString *text)
{
    const char *p = text->str;

    while (p) {
        p += strspn(p, " \t");
        if (g_str_has_prefix(p, "@include"))
            return p;
        p = strchr(p, '\n');
        if (p)
            p++;
    }
    return NULL;
}

/* libconfig ends a string at an escaped NUL: "vms\x00" would be "vms". */
static const char *
find_escaped_nul(const GString *text)
{
    for (const char *p = text->str; (p = strchr(p, '\\')) != NULL; p++) {
        if (g_ascii_strncasecmp(p, "\\x00", 4) == 0)
            return p;
    }
    return NULL;
}

static gboolean
look_at(const char *path, const GString *text, GError **error)
{
    const char *nul = memchr(text->str, '\0', text->len);
    ConfPlace place = {.file = path};
    const char *found;

    if (nul) {
        place.line = line_of(text, nul);
        return conf_fail_line(error, CONF_ERROR_SYNTAX, &place,
                              "found a NUL byte, expected text");
    }
    found = find_escaped_nul(text);
    if (found) {
        place.line = line_of(text, found);
        return conf_fail_line(error, CONF_ERROR_SYNTAX, &place,
                              "found '\\x00', expected no NUL in a string");
    }
    found = find_include(text);
    if (found) {
        place.line = line_of(text, found);
        return conf_fail_line(error, CONF_ERROR_SYNTAX, &place,
                              "'@include' is refused, because it would read "
                              "any file: put everything into this one");
    }
    return TRUE;
}

/* The library's own words are few, and some are for programmers. */
static gboolean
fail_parse(const config_t *config, const char *path, GError **error)
{
    const char *text = config_error_text(config);
    ConfPlace place = {.file = path, .line = (guint)config_error_line(config)};

    if (g_strcmp0(text, "duplicate setting name") == 0)
        return conf_fail_line(error, CONF_ERROR_KEY, &place,
                              "found a key that is set above already, "
                              "expected each key once");
    if (g_strcmp0(text, "mismatched element type in array") == 0)
        return conf_fail_line(error, CONF_ERROR_KEY, &place,
                              "found values of several types in one list, "
                              "expected strings");
    return conf_fail_line(error, CONF_ERROR_SYNTAX, &place,
                          "%s here or on a line before: remora.conf(5) shows "
                          "how the file is written",
                          text ? text : "syntax error");
}

gboolean
conf_file_parse(const char *path, config_t *config, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (!read_file(path, text, error) || !look_at(path, text, error))
        return FALSE;
    /* Without it libconfig 1.5 refuses a comment that ends the file. */
    g_string_append_c(text, '\n');
    if (config_read_string(config, text->str) != CONFIG_TRUE)
        return fail_parse(config, path, error);
    return TRUE;
}
