/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/passphrase.h - a passphrase from a file, and nowhere else for long
 */
#ifndef REMORA_AGENT_CLI_PASSPHRASE_H
#define REMORA_AGENT_CLI_PASSPHRASE_H

#include <glib.h>

#define CMD_PASSPHRASE_MAX 2048u

typedef struct {
    char bytes[CMD_PASSPHRASE_MAX + 1]; /* any, with no end of their own */
    gsize len;
} CmdPassphrase;

/* All bytes of a file, as 'rbd encryption format' takes them: a newline at its end
 * is one of them. path "-": standard input. Nothing is kept after FALSE. */
gboolean cmd_passphrase_read(const char *path,
                             CmdPassphrase *passphrase,
                             GError **error);
void cmd_passphrase_wipe(CmdPassphrase *passphrase);

#endif
