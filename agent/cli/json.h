/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/json.h - JSON on standard output
 */
#ifndef REMORA_AGENT_CLI_JSON_H
#define REMORA_AGENT_CLI_JSON_H

#include <jansson.h>

/* On as many lines as it has members. */
void cmd_json_print(const json_t *root);
/* A new string, or null for NULL. What is no UTF-8 could not be printed at all, and
 * is made so. */
json_t *cmd_json_text(const char *text);
/* A new array of those. NULL-terminated; or NULL, which has none. */
json_t *cmd_json_texts(char *const *texts);

#endif
