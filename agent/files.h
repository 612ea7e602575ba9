/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/files.h - whole files and standard input, up to a limit
 *
 * Threads: any; blocks.
 */
#ifndef REMORA_AGENT_FILES_H
#define REMORA_AGENT_FILES_H

#include <glib.h>

/* path "-": standard input. NULL with G_FILE_ERROR; a file of more than max
 * bytes is refused. */
GString *files_read(const char *path, gsize max, GError **error);

#endif
