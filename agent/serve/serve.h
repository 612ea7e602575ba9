/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/serve/serve.h - one connection, from its request to its answer
 *
 * Threads:  any. serve_hook() and serve_proxy() block; serve_late() does not,
 *           and may come from another thread meanwhile: then what they achieve
 *           is undone.
 */
#ifndef REMORA_AGENT_SERVE_SERVE_H
#define REMORA_AGENT_SERVE_SERVE_H

#include "agent/proxied.h"
#include "agent/serve/exchange.h"

void serve_hook(Agent *agent, Host *host, Exchange *exchange);
void serve_proxy(Proxied *proxied, Host *host, Exchange *exchange);
/* It takes long: notes which clusters it needs, and refuses if that is for want of
 * space in a pool, which libvirt's other starts should not have to wait for.
 * Blocks. */
void serve_slow(Host *host, Exchange *exchange);
/* Time is up: refuses in their place, that of serve_proxy() or the other's, and
 * names the clusters that it waits for. */
void serve_late(Host *host, Exchange *exchange, bool proxied);
/* A probe looks whether the clusters, and the disks of that domain, answer. name
 * may be NULL. Does not block. */
void serve_suspect(Host *host, const char *name);
/* The agent ends: the same as serve_late() if every cluster that it may wait for
 * is known to be down. */
void serve_hopeless(Host *host, Exchange *exchange, bool proxied);

#endif
