/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/relay.c - one client's connection, from its beginning to its end
 *
 * A loop over two pipes and the agent's answers. Only poll() waits in it. A
 * socket that nothing is wanted of is not polled: a peer that hung up would
 * wake the loop again and again.
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
    struct proxy_session *session;
    struct proxy_threads *threads;
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
        interest(proxy_threads_fd(relay->threads), true, false),
    };

    (void)poll(entries, sizeof(entries) / sizeof(entries[0]),
               patience(earlier(proxy_session_deadline(relay->session),
                                relay->over_at)));
}

/* One pipe may let go what the other waits for. */
static void
run_both(struct relay *relay)
{
    bool was_deaf;

    do {
        was_deaf = relay->to_client.end == PROXY_CUT;
        proxy_pipe_run(&relay->to_server);
        proxy_pipe_run(&relay->to_client);
        if (!was_deaf && relay->to_client.end == PROXY_CUT)
            proxy_session_deafen(relay->session);
    } while (proxy_session_woke(relay->session));
}

/* A client that has closed may only have no more to say: libvirtd is told, and
 * may still answer. One that does not even read any more may have left calls
 * that are still to go on. */
static void
check_end(struct relay *relay)
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

/* What libvirtd said before it closed still goes to the client, and the other
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
        check_end(relay);
        if (is_over(relay))
            return;
        wait_for_work(relay);
        proxy_session_settle(relay->session, wire_clock_ms());
    }
}

static void
settle_within(const struct relay *relay, int64_t deadline)
{
    struct pollfd entry = {proxy_threads_fd(relay->threads), POLLIN, 0};

    (void)poll(&entry, 1, patience(deadline));
    proxy_session_settle(relay->session, wire_clock_ms());
}

/* The agent learns what became of the domains whose replies did not come: a
 * disk that it made ready may not be in use now. */
static void
send_last_notices(const struct relay *relay)
{
    struct proxy_session *session = relay->session;
    int64_t end = wire_clock_ms() + WIRE_DEADLINE_CAP_MS;

    while (proxy_session_asks_about_devices(session) && wire_clock_ms() < end)
        settle_within(relay, end);
    proxy_session_notify_all(session);
    end = wire_clock_ms() + WIRE_DEADLINE_CAP_MS;
    while (proxy_session_has_notices(session) && wire_clock_ms() < end)
        settle_within(relay, proxy_session_deadline(session));
}

/* NULL: no memory. The threads are never freed: the process ends with them. */
static struct relay *
new_relay(int client, int server, int broker)
{
    struct relay *relay = calloc(1, sizeof(*relay));

    if (!relay)
        return NULL;
    relay->threads = proxy_threads_new(broker);
    if (relay->threads)
        relay->session = proxy_session_new(&relay->to_server, &relay->to_client,
                                           relay->threads);
    if (!relay->session) {
        free(relay);
        return NULL;
    }
    proxy_pipe_init(&relay->to_server, client, server, PROXY_CALL_WITH_FDS,
                    &proxy_session_calls, relay->session);
    proxy_pipe_init(&relay->to_client, server, client, PROXY_REPLY_WITH_FDS,
                    &proxy_session_replies, relay->session);
    return relay;
}

static void
free_relay(struct relay *relay)
{
    proxy_session_free(relay->session);
    proxy_pipe_clear(&relay->to_server);
    proxy_pipe_clear(&relay->to_client);
    free(relay);
}

bool
proxy_relay_run(int client, int server, int broker)
{
    struct relay *relay = new_relay(client, server, broker);
    bool good;

    if (!relay)
        return false;
    relay_packets(relay);
    good = relay->to_server.end != PROXY_BROKEN &&
           relay->to_client.end != PROXY_BROKEN;
    (void)close(client);
    (void)close(server);
    send_last_notices(relay);
    free_relay(relay);
    return good;
}

void
proxy_relay_apologise(int client, const char *why)
{
    int64_t deadline = wire_clock_ms() + PROXY_LINGER_MS;
    uint8_t bytes[PROXY_HEADER_LEN];
    struct proxy_header call;
    size_t len;

    if (wire_read(client, bytes, sizeof(bytes), deadline) == WIRE_IO_DONE &&
        proxy_header_read(bytes, &call) && call.type == PROXY_CALL) {
        wire_autofree uint8_t *reply =
            proxy_error_reply(&call, PROXY_ERROR_RPC, why, &len);

        if (reply)
            (void)wire_write(client, reply, len, deadline);
        /* Closing while bytes are unread would lose the reply. */
        (void)shutdown(client, SHUT_WR);
        while (wire_read(client, bytes, 1, deadline) == WIRE_IO_DONE)
            continue;
    }
    (void)close(client);
}
