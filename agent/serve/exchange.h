/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/serve/exchange.h - one connection of a hook or a proxy: greeting, request,
 * answer
 *
 * Counted, because two threads may answer it: the worker that serves it, and
 * the main loop when time is up. Only the first answer is sent.
 */
#ifndef REMORA_AGENT_SERVE_EXCHANGE_H
#define REMORA_AGENT_SERVE_EXCHANGE_H

#include "agent/agent.h"

typedef struct Exchange Exchange;

/* Takes fd over. */
Exchange *exchange_new(int fd);
Exchange *exchange_ref(Exchange *exchange);
void exchange_unref(Exchange *exchange);

/* Sends the greeting without waiting; false: the peer is gone. */
bool exchange_greet(Exchange *exchange, guint deadline_ms);
/* Reads for whom a proxy asks, before its request. Blocks. */
bool exchange_read_client(Exchange *exchange,
                          guint timeout_ms,
                          struct wire_client *ret_client);
/* Reads the request. The peer has timeout_ms for all of it. Strings belong to
 * the exchange, and are NUL-terminated. Blocks. */
typedef struct {
    enum wire_op op;
    const char *name;
    const char *body;
    gsize len;
} ExchangeRequest;
bool exchange_read(Exchange *exchange,
                   guint timeout_ms,
                   ExchangeRequest *ret_request);
/* Whether this answer reached the peer: false if another was sent before, or
 * if the peer has gone. May block for a peer that does not read. */
bool exchange_answer(Exchange *exchange, const AgentAnswer *answer);
/* For a peer whose request cannot be served: allow false, message. */
bool exchange_refuse(Exchange *exchange, const char *message);
/* Whether its answer has been sent, or nobody takes it any more. */
bool exchange_is_over(Exchange *exchange);
/* The same for another thread; false: it has not been read yet. */
bool exchange_request(Exchange *exchange, ExchangeRequest *ret_request);
/* Which clusters it may need, a bit each, as request_needs() says; all, until
 * somebody has looked. Any thread. */
void exchange_set_needs(Exchange *exchange, guint32 needs);
guint32 exchange_needs(Exchange *exchange);
/* The name in the request, which may be ""; NULL: it has not been read yet.
 * Any thread. g_free() */
char *exchange_domain(Exchange *exchange);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Exchange, exchange_unref)

#endif
