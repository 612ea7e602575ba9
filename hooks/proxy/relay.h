/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/relay.h - one client's connection, from its beginning to its end
 *
 * Needs a process of its own that ends after it: threads may be left that ask
 * the agent. SIGPIPE is ignored there.
 */
#ifndef REMORA_HOOKS_PROXY_RELAY_H
#define REMORA_HOOKS_PROXY_RELAY_H

#include <stdbool.h>

/* How long libvirtd may take to close after the client has. */
#define PROXY_LINGER_MS 5000

/* Between the client and libvirtd, with the relay's end of the broker's pair
 * (broker.h). Closes client and server. false: what came was not the
 * protocol, or there is no memory. */
bool proxy_relay_run(int client, int server, int broker);

/* To a client for which there is no libvirtd: waits for its first call for at
 * most PROXY_LINGER_MS, says why in libvirt's words, and closes. */
void proxy_relay_apologise(int client, const char *why);

#endif
