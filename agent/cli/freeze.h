/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/freeze.h - a guest's file systems stand still for a moment
 *
 * A process of its own freezes and thaws, which also thaws when whoever asked for
 * it is dead, or takes too long: a guest that stays frozen is worse than one that
 * has crashed.
 */
#ifndef REMORA_AGENT_CLI_FREEZE_H
#define REMORA_AGENT_CLI_FREEZE_H

#include <glib.h>
#include <stdbool.h>

typedef struct CmdFreeze CmdFreeze;

/* Before there are threads. NULL: error is set. */
CmdFreeze *cmd_freeze_new(GError **error);
/* Thaws what is frozen still. */
void cmd_freeze_free(CmdFreeze *freeze);

/* By the guest agent. *ret_why: why it is not frozen, as one that has no guest
 * agent, g_free() it; or NULL. FALSE: there is one, and it failed. */
gboolean cmd_freeze_begin(CmdFreeze *freeze,
                          const char *uri,
                          const char *uuid,
                          char **ret_why,
                          GError **error);
/* FALSE: it could not be thawed, or was not frozen all the time. */
gboolean cmd_freeze_end(CmdFreeze *freeze, GError **error);

/* Whether libvirt's error (virErrorNumber) means that there is no guest agent that
 * could do it. Pure. */
bool cmd_freeze_is_absent(int code);

#endif
