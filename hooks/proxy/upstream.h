/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/upstream.h - the connection to libvirtd
 */
#ifndef REMORA_HOOKS_PROXY_UPSTREAM_H
#define REMORA_HOOKS_PROXY_UPSTREAM_H

#include "hooks/wire/say.h"

/* How long libvirtd's queue of connections may be full. */
#define PROXY_UPSTREAM_SECONDS 30

/* Connects, as whoever this process is, to path; where that is NULL, to what
 * libvirt's own client would: the modular daemon's socket if it is there, else
 * libvirtd's. Not to the socket at own, where the proxy listens (empty:
 * nowhere): that would go round in a circle. -1: *error says why. */
int proxy_upstream_connect(const char *path,
                           const char *own,
                           struct wire_error *error);

#endif
