/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/qcow2.h - a file of qcow2 is written, front to back
 *
 * Threads:  one.
 */
#ifndef REMORA_AGENT_CLI_QCOW2_H
#define REMORA_AGENT_CLI_QCOW2_H

#include <glib.h>

typedef struct CmdQcow2 CmdQcow2;

/* Of a disk of size bytes, into fd, a new file. Fails if QEMU would open none of
 * that size. */
CmdQcow2 *cmd_qcow2_new(int fd, guint64 size, GError **error);
void cmd_qcow2_free(CmdQcow2 *file);

/* In the order of the disk; what is left out reads as zeroes. */
gboolean cmd_qcow2_put(CmdQcow2 *file,
                       guint64 offset,
                       const guint8 *bytes,
                       gsize len,
                       GError **error);
/* All is there: before, it is no file of qcow2. */
gboolean cmd_qcow2_end(CmdQcow2 *file, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CmdQcow2, cmd_qcow2_free)

#endif
