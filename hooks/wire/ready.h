/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/ready.h - telling the service manager (sd_notify's protocol)
 */
#ifndef REMORA_HOOKS_WIRE_READY_H
#define REMORA_HOOKS_WIRE_READY_H

/* Sends state to NOTIFY_SOCKET, if there is one; nobody learns whether it
 * arrived. */
void wire_ready_notify(const char *state);

#endif
