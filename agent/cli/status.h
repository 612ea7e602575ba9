/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/status.h - the parts of remora status
 */
#ifndef REMORA_AGENT_CLI_STATUS_H
#define REMORA_AGENT_CLI_STATUS_H

#include "agent/host.h"

#include <jansson.h>
#include <libvirt/libvirt.h>

/* The domains that are ours, as remora(1) describes 'domains'; open_all: each
 * image is opened and asked who has it open. NULL: libvirt does not answer. */
json_t *
status_domains(Host *host, virConnectPtr conn, bool open_all, GError **error);
/* Sets claimed_by, and what goes with it. */
void status_set_claim(json_t *json, const StoreState *state);

/* Prints the object that 'remora status --json' prints; see remora(1). */
void status_print(const json_t *root);

#endif
