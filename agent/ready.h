/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/ready.h - telling the service manager (sd_notify's protocol)
 *
 * Threads: any; does not wait.
 */
#ifndef REMORA_AGENT_READY_H
#define REMORA_AGENT_READY_H

/* state: "READY=1", "STOPPING=1", "RELOADING=1", ... Does nothing where no
 * service manager listens (sd_notify(3), $NOTIFY_SOCKET). */
void ready_notify(const char *state);

#endif
