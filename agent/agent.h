/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/agent.h - what the hook's requests do, whoever carried them here
 *
 * Threads:  any; everything blocks but agent_new(), agent_set_host(),
 *           agent_on_work(), agent_wants_look() and agent_is_at_rest().
 */
#ifndef REMORA_AGENT_AGENT_H
#define REMORA_AGENT_AGENT_H

#include "agent/host.h"
#include "agent/pending.h"
#include "agent/virt/ask.h"
#include "hooks/wire/wire.h"

typedef struct Agent Agent;

typedef struct {
    bool allow;
    bool busy;     /* not allowed now; the same may be asked again */
    char *message; /* why not; one line */
    GBytes *output;
    /* Whose claims were handed for it: if it comes too late, they are to be
     * settled. NULL: nobody's. */
    char *uuid;
    /* The image that the answered call attaches or copies to, which is over if
     * the answer comes too late; or NULL. pool is a host_pool_key(). */
    char *pool;
    char *image;
} AgentAnswer;

void agent_answer_clear(AgentAnswer *answer);

Agent *agent_new(Host *host);
void agent_free(Agent *agent);
/* Requests that follow go by another reading of the configuration. */
void agent_set_host(Agent *agent, Host *host);
/* host_unref() it. */
Host *agent_host(Agent *agent);

/* Before it, and without libvirt, no claim ends. */
void agent_set_virt(Agent *agent, Virt *virt);

/* Before the process ends: nothing of it stays at work in the cluster. */
void agent_end(Agent *agent);

/* The domains whose claims are to be settled. Owned by agent. */
Pending *agent_pending(Agent *agent);
/* A domain's claims are to be settled; xml is its definition, or NULL. */
void agent_settle_soon(Agent *agent, const char *uuid, const char *xml);

/* Serves one request of the hook's socket by host, which agent_host() gave.
 * name is the domain's as libvirt said it. */
void agent_serve(Agent *agent,
                 Host *host,
                 enum wire_op op,
                 const char *name,
                 const char *body,
                 gsize len,
                 AgentAnswer *ret_answer);
/* The answer did not reach who asked: nobody will start, or attach. */
void agent_undo(Agent *agent, const AgentAnswer *answer);
/* A datagram: started, stopped, release. */
void agent_notice(Agent *agent, const char *name, const char *body, gsize len);

/* A domain that libvirt has, with its definition as it runs or as it is stored:
 * what happened while no agent listened is caught up with. plan: of that, or
 * NULL. It names clusters by their place in host, which may be that of before a
 * reload. */
void agent_sees(Agent *agent,
                Host *host,
                const char *uuid,
                const char *xml,
                const DomPlan *plan,
                bool active);

/* What is left from before this process, and a first connection. */
void agent_begin(Agent *agent);
/* wake is called, in any thread, when agent_wants_look() may have become true
 * other than by a request. Before anything else is asked of the agent. */
typedef void (*AgentWake)(gpointer data);
void agent_on_work(Agent *agent, AgentWake wake, gpointer data);
/* It has become so. In any thread. */
void agent_wake(Agent *agent);
/* Whether agent_look() wants to be called in some seconds; so it is at first. */
bool agent_wants_look(Agent *agent);
/* One at a time. */
void agent_look(Agent *agent);
/* Whether no thread settles what a notice or a look has found. */
bool agent_is_at_rest(Agent *agent);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AgentAnswer, agent_answer_clear)

#endif
