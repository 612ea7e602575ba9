/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/log.c - the agent's log lines
 */
#include "config.h"

#include "agent/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define FIELDS_MAX 8

static const char *log_program = "remora";
static bool log_verbose;
static bool log_journal_only;

/* Names are untrusted: a line stays one line, whatever they hold. */
static char *
one_line(char *text)
{
    for (char *p = text; *p; p++)
        if (g_ascii_iscntrl(*p))
            *p = ' ';
    return text;
}

static const char *
level_word(GLogLevelFlags level)
{
    if (level & G_LOG_LEVEL_WARNING)
        return "warning: ";
    return level & G_LOG_LEVEL_DEBUG ? "debug: " : "";
}

static GLogWriterOutput
writer(GLogLevelFlags level,
       const GLogField *fields,
       gsize n_fields,
       gpointer data)
{
    (void)data;
    if ((level & G_LOG_LEVEL_DEBUG) && !log_verbose)
        return G_LOG_WRITER_HANDLED;
    if (log_journal_only || g_log_writer_is_journald(STDERR_FILENO))
        return g_log_writer_journald(level, fields, n_fields, NULL);
    for (gsize i = 0; i < n_fields; i++)
        if (g_str_equal(fields[i].key, "MESSAGE"))
            fprintf(stderr, "%s: %s%s\n", log_program, level_word(level),
                    (const char *)fields[i].value);
    return G_LOG_WRITER_HANDLED;
}

void
log_init(const char *program, bool verbose)
{
    log_program = program;
    log_verbose = verbose;
    g_log_set_writer_func(writer, NULL, NULL);
}

void
log_spare_stderr(void)
{
    log_journal_only = true;
}

guint64
log_ms_since(gint64 start_us)
{
    gint64 us = g_get_monotonic_time() - start_us;

    return us < 1000 ? 1 : (guint64)(us / 1000);
}

static void
add_field(GLogField *fields, gsize *n, const char *key, const char *value)
{
    if (value && *n < FIELDS_MAX)
        fields[(*n)++] = (GLogField){key, value, -1};
}

/* syslog's numbers, which the journal wants in PRIORITY. */
static const char *
priority(GLogLevelFlags level)
{
    if (level & G_LOG_LEVEL_WARNING)
        return "4";
    return level & G_LOG_LEVEL_DEBUG ? "7" : "6";
}

/* "domain 'web1', disk 'vda': " as far as it is known. */
static char *
prefix_of(const LogAbout *about)
{
    GString *text = g_string_new(NULL);

    if (about && about->domain)
        g_string_append_printf(text, "domain '%s'", about->domain);
    if (about && about->disk)
        g_string_append_printf(text, "%sdisk '%s'", text->len ? ", " : "",
                               about->disk);
    if (text->len)
        g_string_append(text, ": ");
    return g_string_free(text, FALSE);
}

void
log_line(GLogLevelFlags level, const LogAbout *about, const char *format, ...)
{
    GLogField fields[FIELDS_MAX];
    gsize n = 0;
    va_list args;
    g_autofree char *prefix = prefix_of(about);
    g_autofree char *text = NULL;
    g_autofree char *message = NULL;
    g_autofree char *ms = NULL;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    if (about && about->ms > 0)
        ms = g_strdup_printf("%" G_GUINT64_FORMAT, about->ms);
    message = one_line(g_strconcat(prefix, text, ms ? " in " : NULL, ms,
                                   ms ? " ms" : NULL, NULL));
    add_field(fields, &n, "MESSAGE", message);
    add_field(fields, &n, "PRIORITY", priority(level));
    add_field(fields, &n, "SYSLOG_IDENTIFIER", log_program);
    add_field(fields, &n, "REMORA_DOMAIN", about ? about->domain : NULL);
    add_field(fields, &n, "REMORA_DISK", about ? about->disk : NULL);
    add_field(fields, &n, "REMORA_IMAGE", about ? about->image : NULL);
    add_field(fields, &n, "REMORA_DURATION_MS", ms);
    g_log_structured_array(level, fields, n);
}
