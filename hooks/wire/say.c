/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/say.c - the one line that an operator gets to see
 */
#include "config.h"

#include "hooks/wire/say.h"

#include "hooks/wire/io.h"
#include "hooks/wire/wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Longer than the longest message; a name may take the rest of the line. */
#define SAY_NAME_MAX 256
#define SAY_LINE_MAX (WIRE_MESSAGE_MAX + SAY_NAME_MAX + 64)

/* How long a full pipe on standard error may hold us up. */
#define SAY_MS 1000

void
wire_error_set(struct wire_error *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error->line, sizeof(error->line), format, arguments);
    va_end(arguments);
}

/* Appends at most max bytes of text, and gives the new length. */
static size_t
append(char *line, size_t at, size_t max, const char *text, size_t len)
{
    if (len > max)
        len = max;
    memcpy(line + at, text, len);
    return at + len;
}

/* Makes one line of it, without blanks at its end. */
static size_t
flatten(char *line, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)line[i];

        if (byte < 0x20 || byte == 0x7f)
            line[i] = ' ';
    }
    while (len > 0 && line[len - 1] == ' ')
        len--;
    return len;
}

void
wire_say(const char *domain, const char *text, size_t len)
{
    char line[SAY_LINE_MAX];
    size_t at = append(line, 0, 8, "remora: ", 8);

    if (domain) {
        at = append(line, at, 8, "domain '", 8);
        at = append(line, at, SAY_NAME_MAX, domain, strlen(domain));
        at = append(line, at, 3, "': ", 3);
    }
    at = append(line, at, WIRE_MESSAGE_MAX, text, len);
    at = flatten(line, at);
    line[at++] = '\n';
    (void)wire_write(STDERR_FILENO, line, at, wire_clock_ms() + SAY_MS);
}
