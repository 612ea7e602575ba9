/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/relay.c - one client's connection, from its beginning to its end
 *
 * A loop over two pipes and the agent's answers. Nothing in it waits but
 * poll(), and nothing is polled for that nobody would act on: a peer that hung
 * up would wake it for ever.
 */
#include "config.h"

#include "hooks/proxy/relay.h"

#include "hooks/proxy/session.h"
#include "hooks/wire/io.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct relay {
    struct proxy_session session;
    int64_t over_at; /* the client is gone; 0: it is not */
    struct proxy_pipe to_server;
    struct proxy_pipe to_client;
};

static struct pollfd
interest(int fd, bool in, bool out)
{
    short events = (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0));

    return (struct pollfd){.fd = events ? fd : -1, .events = events};
}

/* In ms from now; -1: whenever. */
static int
patience(int64_t deadline)
{
    int64_t left = deadline - wire_clock_ms();

    if (deadline == 0)
        return -1;
    return left > 0 ? (int)left : 0;
}

static int64_t
earlier(int64_t one, int64_t other)
{
    if (one == 0 || other == 0)
        return one + other;
    return one < other ? one : other;
}

static void
wait_for_work(struct relay *relay)
{
    const struct proxy_pipe *up = &relay->to_server;
    const struct proxy_pipe *down = &relay->to_client;
    struct pollfd entries[] = {
        interest(up->from, proxy_pipe_wants_input(up),
                 proxy_pipe_wants_output(down)),
        interest(up->to, proxy_pipe_wants_input(down),
                 proxy_pipe_wants_output(up)),
        interest(proxy_threads_fd(relay->session.threads), true, false),
    };

    (void)poll(entries, sizeof(entries) / sizeof(entries[0]),
               patience(earlier(proxy_session_deadline(&relay->session),
                                relay->over_at)));
}

/* What one lets go may be what the other waits for. */
static void
run_both(struct relay *relay)
{
    bool was_deaf;

    do {
        was_deaf = relay->to_client.end == PROXY_CUT;
        relay->session.woken = false;
        proxy_pipe_run(&relay->to_server);
        proxy_pipe_run(&relay->to_client);
        if (!was_deaf && relay->to_client.end == PROXY_CUT)
            proxy_session_deafen(&relay->session);
    } while (relay->session.woken);
}

/* The client has closed, and libvirtd learns it; it may still have to say
 * something to a client that only said that it has no more to say. Who does not
 * even hear any more may have left calls that still are to go on. */
static void
notice_end(struct relay *relay)
{
    if (relay->over_at != 0)
        return;
    if (relay->to_server.end == PROXY_CLOSED) {
        (void)shutdown(relay->to_server.to, SHUT_WR);
        relay->over_at = wire_clock_ms() + PROXY_LINGER_MS;
    } else if (relay->to_client.end == PROXY_CUT) {
        relay->over_at = wire_clock_ms() + WIRE_DEADLINE_CAP_MS;
    }
}

/* What libvirtd said before it was gone is still for the client, and the other
 * way round. */
static bool
is_over(const struct relay *relay)
{
    enum proxy_end up = relay->to_server.end;
    enum proxy_end down = relay->to_client.end;

    return up == PROXY_BROKEN || down == PROXY_BROKEN || down == PROXY_CLOSED ||
           (down == PROXY_CUT && up != PROXY_GOES_ON) ||
           (relay->over_at != 0 && wire_clock_ms() >= relay->over_at);
}

static void
relay_packets(struct relay *relay)
{
    for (;;) {
        run_both(relay);
        notice_end(relay);
        if (is_over(relay))
            return;
        wait_for_work(relay);
        proxy_session_settle(&relay->session, wire_clock_ms());
    }
}

static void
settle_within(struct proxy_session *session, int64_t deadline)
{
    struct pollfd entry = {proxy_threads_fd(session->threads), POLLIN, 0};

    (void)poll(&entry, 1, patience(deadline));
    proxy_session_settle(session, wire_clock_ms());
}

/* The agent learns what became of the domains whose replies did not come: a
 * disk that it made ready may not be in use now. */
static void
send_last_notices(struct proxy_session *session)
{
    int64_t end = wire_clock_ms() + WIRE_DEADLINE_CAP_MS;

    while (session->n_attaching > 0 && wire_clock_ms() < end)
        settle_within(session, end);
    proxy_session_notify_all(session);
    end = wire_clock_ms() + WIRE_DEADLINE_CAP_MS;
    while (session->notices && wire_clock_ms() < end)
        settle_within(session, proxy_session_deadline(session));
}

bool
proxy_relay_run(int client, int server, int broker)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    struct proxy_threads *threads = relay ? proxy_threads_new(broker) : NULL;
    bool good;

    if (!threads) {
        free(relay);
        return false;
    }
    relay->session.to_server = &relay->to_server;
    relay->session.to_client = &relay->to_client;
    relay->session.threads = threads;
    proxy_pipe_init(&relay->to_server, client, server, PROXY_CALL_WITH_FDS,
                    &proxy_session_calls, &relay->session);
    proxy_pipe_init(&relay->to_client, server, client, PROXY_REPLY_WITH_FDS,
                    &proxy_session_replies, &relay->session);
    relay_packets(relay);
    good = relay->to_server.end != PROXY_BROKEN &&
           relay->to_client.end != PROXY_BROKEN;
    (void)close(client);
    (void)close(server);
    send_last_notices(&relay->session);
    proxy_session_clear(&relay->session);
    proxy_pipe_clear(&relay->to_server);
    proxy_pipe_clear(&relay->to_client);
    free(relay);
    return good;
}

void
proxy_relay_apologise(int client, const char *why)
{
    int64_t deadline = wire_clock_ms() + PROXY_LINGER_MS;
    uint8_t bytes[PROXY_HEADER];
    struct proxy_header call;
    size_t len;

    if (wire_read(client, bytes, sizeof(bytes), deadline) == WIRE_IO_DONE &&
        proxy_header_read(bytes, &call) && call.type == PROXY_CALL) {
        wire_autofree uint8_t *reply =
            proxy_error_reply(&call, PROXY_ERROR_RPC, why, &len);

        if (reply)
            (void)wire_write(client, reply, len, deadline);
        /* Closing with bytes unread would take the reply back. */
        (void)shutdown(client, SHUT_WR);
        while (wire_read(client, bytes, 1, deadline) == WIRE_IO_DONE)
            continue;
    }
    (void)close(client);
}
