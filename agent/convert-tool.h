/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/convert-tool.h - qemu-img turns bytes of some format into a raw disk
 *
 * Threads: any; it blocks, for CONVERT_SECONDS at most, and has threads of its
 * own meanwhile.
 */
#ifndef REMORA_AGENT_CONVERT_TOOL_H
#define REMORA_AGENT_CONVERT_TOOL_H

#include "agent/nbd.h"

#define CONVERT_SECONDS (6u * 3600u)

/* The functions may be called from several threads at once. */
typedef struct {
    const char *format; /* one that store_header_check() knows */
    guint64 from_size;
    NbdPart from; /* reads; zeroes behind from_size */
    guint64 to_size;
    NbdPart to; /* writes to what reads as zeroes: those are left out */
    gpointer data;
} ConvertTool;

gboolean convert_tool_run(const ConvertTool *tool,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Its arguments, with the source at descriptor 3 and the target at 4. Only
 * convert_tool_run() needs them, and a test. */
#define CONVERT_ARGS_MAX 9
void convert_tool_args(const char *format, const char **args);

#endif
