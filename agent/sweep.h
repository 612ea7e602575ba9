/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/sweep.h - what processes of this host that are dead have left claimed
 *
 * It is looked through when the agent begins, and again as long as something
 * has to wait for its time, or the cluster did not answer.
 *
 * Threads:  any. sweep_run() blocks.
 */
#ifndef REMORA_AGENT_SWEEP_H
#define REMORA_AGENT_SWEEP_H

#include "agent/host.h"

typedef struct Sweep Sweep;

/* Is due at once. */
Sweep *sweep_new(void);
void sweep_free(Sweep *sweep);
/* Whether sweep_run() has something to do; about 10 s later will do. */
bool sweep_is_due(Sweep *sweep);
/* Does it, if it is due and nobody else is at it. What was put right is noted
 * (recoveries.h). */
void sweep_run(Sweep *sweep, Host *host);

#endif
