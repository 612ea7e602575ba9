/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/tool.h - runs a tool that is to get at what it is given and nothing else
 *
 * Threads: any; blocks for as long as the tool runs.
 */
#ifndef REMORA_AGENT_TOOL_H
#define REMORA_AGENT_TOOL_H

#include <glib.h>

#define TOOL_ERROR tool_error_quark()
GQuark tool_error_quark(void);
typedef enum { TOOL_ERROR_FAILED } ToolErrorCode;

/* The descriptors that it gets, from this one on. */
#define TOOL_FD  3
#define TOOL_FDS 2

/* Limits are in seconds of processor and of the clock, and in bytes. */
typedef struct {
    const char *name;
    const char *package;     /* in Debian */
    const char *const *args; /* behind its name, NULL-terminated */
    guint seconds;
    guint64 memory;    /* of its address space */
    guint64 file_size; /* of what it writes to a file; at least 1 */
    int fds[TOOL_FDS]; /* -1: it gets /dev/null there */
} Tool;

/* FALSE: it did not come to its end well, and what it said is in the error. */
gboolean tool_run(const Tool *tool, GError **error) G_GNUC_WARN_UNUSED_RESULT;

gboolean tool_fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

#endif
