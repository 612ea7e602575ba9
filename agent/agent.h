/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/agent.h - what the hook's requests do, whoever carried them here
 *
 * Threads:  any; everything but agent_new() and agent_set_host() blocks.
 */
#ifndef REMORA_AGENT_AGENT_H
#define REMORA_AGENT_AGENT_H

#include "agent/host.h"
#include "hooks/wire.h"

typedef struct Agent Agent;

typedef struct {
    bool allow;
    char *message; /* why not; one line */
    GBytes *output;
    /* What has to be undone if it comes too late; 0: nothing. */
    guint64 held;
} AgentAnswer;

void agent_answer_clear(AgentAnswer *answer);

Agent *agent_new(Host *host);
void agent_free(Agent *agent);
/* Requests that follow go by another reading of the configuration. */
void agent_set_host(Agent *agent, Host *host);
/* host_unref() it. */
Host *agent_host(Agent *agent);

/* Serves one request of the hook's socket by host, which agent_host() gave.
 * name is the domain's as libvirt said it. */
void agent_serve(Agent *agent,
                 Host *host,
                 enum wire_op op,
                 const char *name,
                 const char *body,
                 gsize len,
                 AgentAnswer *ret_answer);
/* The answer did not reach the hook: nobody will start. */
void agent_undo(Agent *agent, const AgentAnswer *answer);
/* A datagram: started, stopped, release. received_us, of the monotonic clock,
 * is when it came: it says nothing about a start that was asked for later. */
void agent_notice(Agent *agent,
                  enum wire_op op,
                  const char *name,
                  const char *body,
                  gsize len,
                  gint64 received_us);

/* What is left from before this process, and a first connection. */
void agent_begin(Agent *agent);
/* Whether agent_look() wants to be called in 10 s. */
bool agent_wants_look(Agent *agent);
void agent_look(Agent *agent);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AgentAnswer, agent_answer_clear)

#endif
