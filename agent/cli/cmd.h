/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/cmd.h - the commands of remora(1)
 *
 * Each cmd_NAME is one verb, in a file of its own; verbs.c has the table of them.
 */
#ifndef REMORA_AGENT_CLI_CMD_H
#define REMORA_AGENT_CLI_CMD_H

#include "agent/cli/table.h"
#include "agent/host.h"
#include "agent/virt/error.h"

/* Options that stand before the command. */
typedef struct {
    char *conf;
    char *user;
    char *keyring;
} CmdGlobals;

/* One verb. In its arguments and in what its options take, words in capitals
 * say what completion offers: FILE, DOMAIN, IMAGE, VOLUME, POOL,
 * CLUSTER. */
typedef struct {
    const char *name;      /* one word, or two: "image add" */
    const char *arguments; /* as the synopsis has them; "" takes none */
    const char *summary;   /* a sentence, without its full stop */
    const char *more;      /* further sentences for its --help, or NULL */
    /* Ended by an empty one; or NULL. What they set is static: a process runs
     * one verb, once. */
    const GOptionEntry *options;
    /* rest: what remains behind the options, NULL-terminated. Gives the exit
     * status: 0 done, 1 failed with one line on stderr, 2 wrong usage. */
    int (*run)(const CmdGlobals *globals, char **rest);
} CmdVerb;

extern const CmdVerb cmd_complete;
extern const CmdVerb cmd_df;
extern const CmdVerb cmd_fence;
extern const CmdVerb cmd_image_add;
extern const CmdVerb cmd_image_export;
extern const CmdVerb cmd_image_from_disk;
extern const CmdVerb cmd_image_list;
extern const CmdVerb cmd_image_rm;
extern const CmdVerb cmd_image_show;
extern const CmdVerb cmd_image_size;
extern const CmdVerb cmd_plan;
extern const CmdVerb cmd_provision;
extern const CmdVerb cmd_render;
extern const CmdVerb cmd_revert;
extern const CmdVerb cmd_status;
extern const CmdVerb cmd_trash_list;
extern const CmdVerb cmd_trash_purge;
extern const CmdVerb cmd_tree;
extern const CmdVerb cmd_volume_adopt;
extern const CmdVerb cmd_volume_clone;
extern const CmdVerb cmd_volume_connection;
extern const CmdVerb cmd_volume_create;
extern const CmdVerb cmd_volume_flatten;
extern const CmdVerb cmd_volume_list;
extern const CmdVerb cmd_volume_migrate;
extern const CmdVerb cmd_volume_qos;
extern const CmdVerb cmd_volume_release;
extern const CmdVerb cmd_volume_resize;
extern const CmdVerb cmd_volume_rm;
extern const CmdVerb cmd_volume_show;
extern const CmdVerb cmd_volume_snapshot;
extern const CmdVerb cmd_volume_sparsify;
extern const CmdVerb cmd_volume_to_image;

/* ---- what they share (cmd.c) ----------------------------------------------- */

/* Prints the error as "remora: MESSAGE"; gives 1. prefix, or NULL, is what
 * the message is about. */
int cmd_fail(const char *prefix, const GError *error);
/* "remora: MESSAGE; see 'remora COMMAND --help'"; gives 2. */
int cmd_usage(const char *command, const char *message);

/* The host as the global options want it; NULL after an error message. */
Host *cmd_host(const CmdGlobals *globals);

/* A definition from a file, or standard input ("-"), within xml/'s limit. */
GString *cmd_read_xml(const char *path, GError **error);

/* What a command works on that takes [FILE|-]. */
typedef struct {
    const char *path; /* of rest, or "-" */
    GString *xml;
    Host *host;
} CmdInput;
/* rest: what cmd_parse() left. Gives 0, or what to exit with after an error
 * message. */
int cmd_input(const CmdGlobals *globals,
              const char *command,
              char *const *rest,
              CmdInput *ret_input);
void cmd_input_clear(CmdInput *input);

/* libvirt's connection; read_only for those that only look. */
virConnectPtr cmd_connect(const Host *host, bool read_only, GError **error);

/* "2 GiB", "1.5 GiB", "100 B". g_free() it. */
char *cmd_size(guint64 bytes);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CmdInput, cmd_input_clear)

#endif
