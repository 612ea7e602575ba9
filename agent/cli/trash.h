/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/trash.h - what the verbs of 'remora trash' share
 */
#ifndef REMORA_AGENT_CLI_TRASH_H
#define REMORA_AGENT_CLI_TRASH_H

#include "agent/cli/image.h"

/* One pool whose trash is meant. */
typedef struct {
    const Cluster *cluster;
    const char *pool;
} CmdTrash;

/* rest: [POOL]. Of CmdTrash, borrowed from host and rest: the configured pools of
 * all kinds, of each cluster that --cluster leaves, or that one. NULL after an error
 * message. */
GArray *
cmd_trash_pools(const Host *host, const char *command, char *const *rest);
/* A size, for people or for JSON; NULL: it is not known. g_free() it. */
char *cmd_trash_size(const StoreTrashed *trashed, bool json);

#endif
