/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/format.h - an empty file system, made by its own tool in a sparse file
 *
 * Threads: any; blocks for as long as the tool runs, FORMAT_SECONDS at most.
 */
#ifndef REMORA_AGENT_FORMAT_H
#define REMORA_AGENT_FORMAT_H

#include "xml/dom.h"

#define FORMAT_SECONDS 60

/* A descriptor of a file of size bytes that has no name, with what content is in
 * it: a file system or swap. dir: where there is room for what is not zero.
 * label is NULL for swap. -1: error is set, of TOOL_ERROR. */
int format_new(const char *dir,
               DomContent content,
               const char *label,
               guint64 size,
               GError **error) G_GNUC_WARN_UNUSED_RESULT;

#endif
