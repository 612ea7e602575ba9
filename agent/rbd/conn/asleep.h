/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/asleep.h - all other threads of this process have come to rest
 *
 * Threads:  any.
 */
#ifndef REMORA_AGENT_RBD_CONN_ASLEEP_H
#define REMORA_AGENT_RBD_CONN_ASLEEP_H

#include <glib.h>
#include <stdbool.h>

/* Waits until each other thread sleeps, at most so long; false: one does not. */
bool store_asleep_wait(guint limit_ms);
/* Pure. What the kernel says of a thread: it neither runs nor waits for a
 * processor. */
bool store_asleep_parse(const char *stat);

#endif
