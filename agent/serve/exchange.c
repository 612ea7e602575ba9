/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/serve/exchange.c - one connection of a hook or a proxy
 */
#include "config.h"

#include "agent/serve/exchange.h"

#include "agent/rbd/conn/fault.h"
#include "agent/request.h"
#include "hooks/wire/io.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A hook that does not read its answer is given so long. */
#define WRITE_TIMEOUT_MS 1000

struct Exchange {
    gint refs;
    int fd;
    GMutex lock; /* guards the rest */
    bool answered;
    bool over; /* the answer is sent, or nobody takes it */
    char *name;
    char *body;
    gsize len;
    enum wire_op op;
    guint32 needs;
};

Exchange *
exchange_new(int fd)
{
    Exchange *exchange = g_new0(Exchange, 1);

    exchange->refs = 1;
    exchange->fd = fd;
    exchange->needs = REQUEST_NEEDS_ANY;
    g_mutex_init(&exchange->lock);
    return exchange;
}

Exchange *
exchange_ref(Exchange *exchange)
{
    g_atomic_int_inc(&exchange->refs);
    return exchange;
}

void
exchange_unref(Exchange *exchange)
{
    if (!exchange || !g_atomic_int_dec_and_test(&exchange->refs))
        return;
    (void)close(exchange->fd);
    g_mutex_clear(&exchange->lock);
    g_free(exchange->name);
    g_free(exchange->body);
    g_free(exchange);
}

static bool
read_all(int fd, void *buffer, gsize len, int64_t end)
{
    return wire_read(fd, buffer, len, end) == WIRE_IO_DONE;
}

static bool
write_all(int fd, const void *buffer, gsize len, int64_t end)
{
    return wire_write(fd, buffer, len, end) == WIRE_IO_DONE;
}

bool
exchange_greet(Exchange *exchange, guint deadline_ms)
{
    struct wire_greeting greeting;

    wire_greeting_init(&greeting, deadline_ms);
    return send(exchange->fd, &greeting, sizeof(greeting),
                MSG_DONTWAIT | MSG_NOSIGNAL) == (gssize)sizeof(greeting);
}

/* libvirt's names and XML have no NUL; one in them would end the string for
 * some readers and not for others. */
static char *
read_string(int fd, gsize len, int64_t end)
{
    g_autofree char *text = g_try_malloc(len + 1);

    if (!text || !read_all(fd, text, len, end) ||
        memchr(text, '\0', len) != NULL)
        return NULL;
    text[len] = '\0';
    return g_steal_pointer(&text);
}

bool
exchange_read_client(Exchange *exchange,
                     guint timeout_ms,
                     struct wire_client *ret_client)
{
    int64_t end = wire_clock_ms() + timeout_ms;

    return read_all(exchange->fd, ret_client, sizeof(*ret_client), end) &&
           !wire_client_check(ret_client);
}

bool
exchange_read(Exchange *exchange,
              guint timeout_ms,
              ExchangeRequest *ret_request)
{
    int64_t end = wire_clock_ms() + timeout_ms;
    struct wire_request request;
    g_autofree char *name = NULL;
    g_autofree char *body = NULL;

    if (!read_all(exchange->fd, &request, sizeof(request), end) ||
        wire_request_check(&request))
        return false;
    name = read_string(exchange->fd, request.name_len, end);
    body = name ? read_string(exchange->fd, request.body_len, end) : NULL;
    if (!body)
        return false;
    g_mutex_lock(&exchange->lock);
    exchange->name = g_steal_pointer(&name);
    exchange->body = g_steal_pointer(&body);
    exchange->len = request.body_len;
    exchange->op = (enum wire_op)request.op;
    g_mutex_unlock(&exchange->lock);
    return exchange_request(exchange, ret_request);
}

bool
exchange_request(Exchange *exchange, ExchangeRequest *ret_request)
{
    bool read;

    g_mutex_lock(&exchange->lock);
    read = exchange->body != NULL;
    if (read)
        *ret_request = (ExchangeRequest){
            .op = exchange->op,
            .name = exchange->name,
            .body = exchange->body,
            .len = exchange->len,
        };
    g_mutex_unlock(&exchange->lock);
    return read;
}

void
exchange_set_needs(Exchange *exchange, guint32 needs)
{
    g_mutex_lock(&exchange->lock);
    exchange->needs = needs;
    g_mutex_unlock(&exchange->lock);
}

guint32
exchange_needs(Exchange *exchange)
{
    guint32 needs;

    g_mutex_lock(&exchange->lock);
    needs = exchange->needs;
    g_mutex_unlock(&exchange->lock);
    return needs;
}

static enum wire_verdict
verdict_of(const AgentAnswer *given)
{
    if (given->allow)
        return WIRE_ALLOW;
    return given->busy ? WIRE_BUSY : WIRE_REFUSE;
}

static bool
send_answer(int fd, const AgentAnswer *given)
{
    const char *message = given->message ? given->message : "";
    gsize message_len = MIN(strlen(message), WIRE_MESSAGE_MAX);
    gsize output_len = given->output ? g_bytes_get_size(given->output) : 0;
    int64_t end = wire_clock_ms() + WRITE_TIMEOUT_MS;
    struct wire_answer answer;

    wire_answer_init(&answer, verdict_of(given), message_len, output_len);
    return write_all(fd, &answer, sizeof(answer), end) &&
           write_all(fd, message, message_len, end) &&
           (output_len == 0 ||
            write_all(fd, g_bytes_get_data(given->output, NULL), output_len,
                      end));
}

/* A hook that was killed has closed its end: its answer would be lost without
 * a word in the socket's buffer. */
static bool
peer_has_gone(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLRDHUP};

    return poll(&poller, 1, 0) > 0 &&
           (poller.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

bool
exchange_answer(Exchange *exchange, const AgentAnswer *answer)
{
    bool first;
    bool sent;

    g_mutex_lock(&exchange->lock);
    first = !exchange->answered;
    exchange->answered = true;
    g_mutex_unlock(&exchange->lock);
    if (!first)
        return false;
    sent = STORE_FAULT("answering") >= 0 && !peer_has_gone(exchange->fd) &&
           send_answer(exchange->fd, answer) && STORE_FAULT("answer-sent") >= 0;
    (void)shutdown(exchange->fd, SHUT_WR);
    g_mutex_lock(&exchange->lock);
    exchange->over = true;
    g_mutex_unlock(&exchange->lock);
    return sent;
}

bool
exchange_refuse(Exchange *exchange, const char *message)
{
    g_auto(AgentAnswer) answer = {.message = g_strdup(message)};

    return exchange_answer(exchange, &answer);
}

bool
exchange_is_over(Exchange *exchange)
{
    bool over;

    g_mutex_lock(&exchange->lock);
    over = exchange->over;
    g_mutex_unlock(&exchange->lock);
    return over;
}

char *
exchange_domain(Exchange *exchange)
{
    char *name;

    g_mutex_lock(&exchange->lock);
    name = g_strdup(exchange->name);
    g_mutex_unlock(&exchange->lock);
    return name;
}
