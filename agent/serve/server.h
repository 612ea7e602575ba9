/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/serve/server.h - the sockets that hook and proxy know
 *
 * The main loop accepts and keeps the time; each request has a thread of a
 * pool. Where the cluster does not let a request end in time, the main loop
 * answers in its place, and what the request achieves later is undone.
 *
 * Threads:  all functions belong to the thread that runs context.
 */
#ifndef REMORA_AGENT_SERVE_SERVER_H
#define REMORA_AGENT_SERVE_SERVER_H

#include "agent/proxied.h"

typedef struct Server Server;

/* Binds the sockets below dir, for root alone. Errors: G_IO_ERROR. */
Server *server_new(Agent *agent,
                   Proxied *proxied,
                   GMainContext *context,
                   const char *dir,
                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* No new requests; idle is called, on context, once the last one has its
 * answer, and what else is at work has come to its end or has had some seconds
 * for it. */
void server_drain(Server *server, GSourceFunc idle, gpointer data);
void server_free(Server *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Server, server_free)

#endif
