/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/image.h - what the verbs of 'remora image' share
 */
#ifndef REMORA_AGENT_CLI_IMAGE_H
#define REMORA_AGENT_CLI_IMAGE_H

#include "agent/cli/cmd.h"

/* An image that the line names, and where it is. */
typedef struct {
    Host *host;
    StoreCluster *cluster; /* borrowed from host */
    char *pool;
    char *image;
    bool going; /* set before: one whose removal was cut short is one, too */
} CmdImage;

void cmd_image_clear(CmdImage *image);

/* Their option --cluster, and what it says, or NULL. */
extern char *cmd_image_cluster;
#define CMD_IMAGE_CLUSTER                                                      \
    {                                                                          \
        "cluster", 0, 0, G_OPTION_ARG_STRING, &cmd_image_cluster,              \
            "Only in that one of several clusters", "CLUSTER"                  \
    }

/* Prints the error as cmd_fail() does. Gives 3 for what is not there, 4 for what
 * is in use, else 1. */
int cmd_image_fail(const char *prefix, const GError *error);

/* Of Cluster, borrowed from host: that which --cluster names, else all. NULL after
 * an error message: there is none of that name. */
GPtrArray *cmd_image_clusters(const Host *host, const char *command);

/* Of char *, borrowed: the configured pools of all kinds, each once. */
GPtrArray *cmd_image_pools(const Cluster *cluster);

/* That of them which has a pool for images of that name; pool NULL: the first.
 * NULL after an error message. */
const Cluster *
cmd_image_cluster_with(const Host *host, const char *command, const char *pool);

/* What is looked for in several clusters. Borrowed. */
typedef struct {
    const char *word; /* for messages: "image" or "volume" */
    char *const *(*pools)(const Cluster *cluster);
    const char *pool; /* that one alone; NULL: those */
    const char *name;
    bool going; /* one whose removal was cut short is one, too */
} CmdSought;
/* Which one has it, and in which pool (g_free() it). Gives 0, what to exit with
 * after an error message, or -1 and in ret_missing why not: none has it. */
int cmd_image_search(const char *command,
                     const GPtrArray *clusters,
                     const CmdSought *sought,
                     Cluster **ret_cluster,
                     char **ret_pool,
                     GError **ret_missing);

/* rest: one IMAGE, as ID or POOL/ID, of a configured pool. Gives 0, or what to
 * exit with after an error message. */
int cmd_image_find(const CmdGlobals *globals,
                   const char *command,
                   char *const *rest,
                   CmdImage *ret_image);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CmdImage, cmd_image_clear)

#endif
