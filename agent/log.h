/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/log.h - the agent's log lines, with fields for the journal
 *
 * Each line says in words what its fields say again for machines: DOMAIN,
 * DISK, IMAGE and DURATION_MS, each with the prefix REMORA_. Under systemd
 * they go to the journal, elsewhere to stderr.
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_LOG_H
#define REMORA_AGENT_LOG_H

#include <glib.h>
#include <stdbool.h>

/* What a line is about; NULL and 0 where there is nothing to say. */
typedef struct {
    const char *domain;
    const char *disk;
    const char *image; /* 'pool/image' or 'pool/image@snap' */
    guint64 ms;        /* 0: not measured */
} LogAbout;

/* Lines of the level debug are left out unless verbose. */
void log_init(const char *program, bool verbose);
/* From now on lines go to the journal or nowhere: stderr is libvirt's, which
 * shows it to whoever started the domain. */
void log_spare_stderr(void);
void
log_line(GLogLevelFlags level, const LogAbout *about, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
/* Milliseconds since a g_get_monotonic_time(), at least 1. */
guint64 log_ms_since(gint64 start_us);

#define log_info(about, ...) log_line(G_LOG_LEVEL_INFO, about, __VA_ARGS__)
#define log_warning(about, ...)                                                \
    log_line(G_LOG_LEVEL_WARNING, about, __VA_ARGS__)
#define log_debug(about, ...) log_line(G_LOG_LEVEL_DEBUG, about, __VA_ARGS__)

#endif
