/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/ready.h - telling the service manager (sd_notify's protocol)
 *
 * Threads: any; does not wait.
 */
#ifndef REMORA_HOOKS_WIRE_READY_H
#define REMORA_HOOKS_WIRE_READY_H

/* state: "READY=1", "STOPPING=1", ... Does nothing where no service manager
 * listens (sd_notify(3), $NOTIFY_SOCKET); nobody learns whether it arrived. */
void wire_ready_notify(const char *state);

#endif
