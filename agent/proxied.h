/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/proxied.h - what the proxy's requests do
 *
 * The proxy shows what is in a client's call before libvirt has it, and puts
 * the answer in its place. Only root can connect, so it is true for whom a
 * request is; the request itself is a client's.
 *
 * Threads:  any; proxied_serve() blocks.
 */
#ifndef REMORA_AGENT_PROXIED_H
#define REMORA_AGENT_PROXIED_H

#include "agent/agent.h"
#include "agent/virt/virt.h"

typedef struct Proxied Proxied;

/* What one connection asks. Borrowed for the call. */
typedef struct {
    guint uid; /* the client's */
    enum wire_op op;
    const char *name;
    const char *body;
    gsize len;
    gint64 received_us; /* of the monotonic clock */
} ProxiedRequest;

/* Lives as long as the process. */
Proxied *proxied_new(Agent *agent);
/* Before it, and without libvirt, nothing can be attached. */
void proxied_set_virt(Proxied *proxied, Virt *virt);

/* Counts a client in: false if it has as much under way as one may, with what
 * to tell it in the answer. Else proxied_leave() it. */
bool proxied_enter(Proxied *proxied, guint uid, AgentAnswer *answer);
void proxied_leave(Proxied *proxied, guint uid);

/* Serves one request by host, which agent_host() gave. */
void proxied_serve(Proxied *proxied,
                   Host *host,
                   const ProxiedRequest *request,
                   AgentAnswer *ret_answer);
/* The answer did not reach the proxy. */
void proxied_undo(Proxied *proxied, const AgentAnswer *answer);

#endif
