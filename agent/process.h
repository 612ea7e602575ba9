/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/process.h - whether a process that was seen before still runs
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_PROCESS_H
#define REMORA_AGENT_PROCESS_H

#include <glib.h>
#include <stdbool.h>

/* The kernel's start time of a process (proc(5), stat, field 22), which a
 * process that got the same pid later does not share. ret_start gets 0 where
 * no process of that pid runs. false: it cannot be told, which is no proof of
 * anything. */
bool process_start(gint64 pid, guint64 *ret_start);

#endif
