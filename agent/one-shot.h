/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/one-shot.h - one request without an agent
 *
 * What the hook executes in its own place when nobody listens: the same code
 * with a connection of its own. The claims are handed over and left in the
 * cluster; an agent that is started later finds them.
 */
#ifndef REMORA_AGENT_ONE_SHOT_H
#define REMORA_AGENT_ONE_SHOT_H

#include "agent/host.h"

/* operation: prepare, migrate or restore; the domain's XML is on stdin. Gives
 * the exit status: 0, or 1 with one line on stderr. Does not return when the
 * cluster does not let it end in time: then it exits. */
int one_shot(Host *host, const char *operation, const char *domain);

#endif
