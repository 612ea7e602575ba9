/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/report.h - how the agent and its cluster stand, as JSON
 *
 * Threads: any. Never waits for a cluster that is down.
 */
#ifndef REMORA_AGENT_REPORT_H
#define REMORA_AGENT_REPORT_H

#include "agent/flattens.h"
#include "agent/host.h"

/* starting: domains between prepare and started. since_us: when the agent
 * began. One line of JSON, g_free() it. */
char *
report_agent(Host *host, guint starting, Flattens *flattens, gint64 since_us);

#endif
