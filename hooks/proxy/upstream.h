/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/upstream.h - the connection to libvirtd
 */
#ifndef REMORA_HOOKS_PROXY_UPSTREAM_H
#define REMORA_HOOKS_PROXY_UPSTREAM_H

#include "hooks/wire/say.h"

/* How long libvirtd's queue of connections may be full. */
#define PROXY_UPSTREAM_SECONDS 30

/* Connects to path; if that is NULL, where libvirt's own client would: to the
 * modular daemon's socket if there is one, else to libvirtd's. own is where the
 * proxy listens (empty: no file). It refuses to connect there, for that would
 * be a circle. -1: *error says why. */
int proxy_upstream_connect(const char *path,
                           const char *own,
                           struct wire_error *error);

#endif
