/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/freeze.h - a guest's file systems, or all of it, stand still for a moment
 *
 * A process of its own freezes and thaws, pauses and resumes. It also lets the guest
 * go on when whoever asked for it is dead, or takes too long: a guest that stays
 * frozen is worse than one that has crashed.
 */
#ifndef REMORA_AGENT_CLI_FREEZE_H
#define REMORA_AGENT_CLI_FREEZE_H

#include <glib.h>
#include <stdbool.h>

typedef struct CmdFreeze CmdFreeze;

/* How it may be done; several, or'ed, are tried in this order. */
typedef enum {
    CMD_BY_AGENT = 1 << 0, /* the guest agent freezes the file systems */
    CMD_BY_PAUSE = 1 << 1, /* libvirt pauses the guest, if it runs */
} CmdFreezeWays;

typedef enum {
    CMD_RUNS_ON, /* it has no guest agent, and was not to be paused */
    CMD_IS_FROZEN,
    CMD_IS_PAUSED,
    CMD_IS_OFF, /* or paused by somebody else */
} CmdFrozen;

/* Before there are threads. NULL: error is set. */
CmdFreeze *cmd_freeze_new(GError **error);
/* Lets go on what stands still. */
void cmd_freeze_free(CmdFreeze *freeze);

/* *ret_why: why it is not frozen, as one that has no guest agent, g_free() it; or
 * NULL. FALSE: there is one, and it failed; or it cannot be paused. */
gboolean cmd_freeze_begin(CmdFreeze *freeze,
                          const char *uri,
                          const char *uuid,
                          CmdFreezeWays ways,
                          CmdFrozen *ret_frozen,
                          char **ret_why,
                          GError **error);
/* FALSE: it could not be let go on, or did not stand still all the time. */
gboolean cmd_freeze_end(CmdFreeze *freeze, GError **error);

/* Whether libvirt's error (virErrorNumber) means that there is no guest agent that
 * could do it. Pure. */
bool cmd_freeze_is_absent(int code);

#endif
