/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/show.h - what 'image show' and 'volume show' say alike
 */
#ifndef REMORA_AGENT_CLI_SHOW_H
#define REMORA_AGENT_CLI_SHOW_H

#include "agent/rbd/store.h"

#include <jansson.h>

/* Of StoreChild: as a table, and as a new array. */
void cmd_show_clones(const GPtrArray *children);
json_t *cmd_show_clones_json(const GPtrArray *children);

/* Local time; "-" where there is none. g_free() it. */
char *cmd_show_time(gint64 seconds);
/* A line with all of them, NULL-terminated; none where there is nothing to say. */
void cmd_show_list(const char *label, char *const *texts);
/* What became of an image or a volume that was to go. */
void cmd_show_removed(const char *pool,
                      const char *name,
                      StoreRemoved removed,
                      bool json);

#endif
