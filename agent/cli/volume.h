/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/volume.h - what the verbs of 'remora volume' share
 */
#ifndef REMORA_AGENT_CLI_VOLUME_H
#define REMORA_AGENT_CLI_VOLUME_H

#include "agent/cli/image.h"

/* A volume that the line names, and where it is. */
typedef struct {
    Host *host;
    Cluster *cluster;    /* of host */
    StoreCluster *store; /* its */
    char *pool;
    char *name; /* volume-UUID */
    bool going; /* set before: one whose removal was cut short is one, too */
} CmdVolume;

void cmd_volume_clear(CmdVolume *volume);

/* That of the clusters that --cluster leaves which has a pool for volumes of that
 * name, and the name of that pool; pool NULL: the first. NULL after an error
 * message. */
const Cluster *cmd_volume_pool(const Host *host,
                               const char *command,
                               const char *pool,
                               const char **ret_pool);

/* text: UUID, volume-UUID or POOL/either, of a configured pool. Gives 0, or what
 * to exit with after an error message. */
int cmd_volume_find(const CmdGlobals *globals,
                    const char *command,
                    const char *text,
                    CmdVolume *ret_volume);
/* The same of rest, which must be that alone. */
int cmd_volume_only(const CmdGlobals *globals,
                    const char *command,
                    char *const *rest,
                    CmdVolume *ret_volume);

/* Says that a snapshot is left, if one is, which makes what was done ("it is made") no
 * worse. status: of the rest. Gives what to exit with. prefix: NULL, or a file. */
int cmd_volume_left(int status,
                    const char *done,
                    const char *prefix,
                    const GError *left);

/* What --id says, or a new one, as a volume's name; NULL after an error message.
 * g_free() it. */
char *cmd_volume_new_name(const char *command, const char *id);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CmdVolume, cmd_volume_clear)

#endif
