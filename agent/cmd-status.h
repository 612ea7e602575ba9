/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cmd-status.h - what remora status found, as text
 */
#ifndef REMORA_AGENT_CMD_STATUS_H
#define REMORA_AGENT_CMD_STATUS_H

#include <jansson.h>

/* Prints the object that 'remora status --json' prints; see remora(1). */
void status_print(const json_t *root);

#endif
