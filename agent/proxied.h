/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/proxied.h - what the proxy's requests do
 *
 * The proxy shows what is in a client's call before libvirt has it, and puts
 * the answer in its place. Only root can connect, so it is true for whom a
 * request is; the request itself is a client's.
 *
 * Threads:  any; front_serve() blocks.
 */
#ifndef REMORA_AGENT_PROXIED_H
#define REMORA_AGENT_PROXIED_H

#include "agent/agent.h"
#include "agent/virt.h"

typedef struct Front Front;

/* What one connection asks. Borrowed for the call. */
typedef struct {
    guint uid; /* the client's */
    enum wire_op op;
    const char *name;
    const char *body;
    gsize len;
    gint64 received_us; /* of the monotonic clock */
} FrontRequest;

Front *front_new(Agent *agent);
void front_free(Front *front);
/* Before it, and without libvirt, nothing can be attached. */
void front_set_virt(Front *front, Virt *virt);

/* Counts a client in: false if it has as much under way as one may, with what
 * to tell it in the answer. Else front_leave() it. */
bool front_enter(Front *front, guint uid, AgentAnswer *answer);
void front_leave(Front *front, guint uid);

/* Serves one request by host, which agent_host() gave. */
void front_serve(Front *front,
                 Host *host,
                 const FrontRequest *request,
                 AgentAnswer *ret_answer);
/* The answer did not reach the proxy. */
void front_undo(Front *front, const AgentAnswer *answer);

#endif
