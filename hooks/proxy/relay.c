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
    struct front_desk desk;
    int64_t over_at; /* the client is gone; 0: it is not */
    struct front_pipe to_server;
    struct front_pipe to_client;
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
    int64_t left = deadline - hook_clock_ms();

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
    const struct front_pipe *up = &relay->to_server;
    const struct front_pipe *down = &relay->to_client;
    struct pollfd entries[] = {
        interest(up->from, front_pipe_wants_input(up),
                 front_pipe_wants_output(down)),
        interest(up->to, front_pipe_wants_input(down),
                 front_pipe_wants_output(up)),
        interest(front_asker_fd(relay->desk.asker), true, false),
    };

    (void)poll(
        entries, sizeof(entries) / sizeof(entries[0]),
        patience(earlier(front_desk_deadline(&relay->desk), relay->over_at)));
}

/* What one lets go may be what the other waits for. */
static void
run_both(struct relay *relay)
{
    bool was_deaf;

    do {
        was_deaf = relay->to_client.end == FRONT_CUT;
        relay->desk.woken = false;
        front_pipe_run(&relay->to_server);
        front_pipe_run(&relay->to_client);
        if (!was_deaf && relay->to_client.end == FRONT_CUT)
            front_desk_deafen(&relay->desk);
    } while (relay->desk.woken);
}

/* The client has closed, and libvirtd learns it; it may still have to say
 * something to a client that only said that it has no more to say. Who does not
 * even hear any more may have left calls that still are to go on. */
static void
notice_end(struct relay *relay)
{
    if (relay->over_at != 0)
        return;
    if (relay->to_server.end == FRONT_CLOSED) {
        (void)shutdown(relay->to_server.to, SHUT_WR);
        relay->over_at = hook_clock_ms() + FRONT_LINGER_MS;
    } else if (relay->to_client.end == FRONT_CUT) {
        relay->over_at = hook_clock_ms() + WIRE_DEADLINE_CAP_MS;
    }
}

/* What libvirtd said before it was gone is still for the client, and the other
 * way round. */
static bool
is_over(const struct relay *relay)
{
    enum front_end up = relay->to_server.end;
    enum front_end down = relay->to_client.end;

    return up == FRONT_BROKEN || down == FRONT_BROKEN || down == FRONT_CLOSED ||
           (down == FRONT_CUT && up != FRONT_GOES_ON) ||
           (relay->over_at != 0 && hook_clock_ms() >= relay->over_at);
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
        front_desk_settle(&relay->desk, hook_clock_ms());
    }
}

static void
settle_within(struct front_desk *desk, int64_t deadline)
{
    struct pollfd entry = {front_asker_fd(desk->asker), POLLIN, 0};

    (void)poll(&entry, 1, patience(deadline));
    front_desk_settle(desk, hook_clock_ms());
}

/* The agent learns what became of the domains whose replies did not come: a
 * disk that it made ready may not be in use now. */
static void
take_last_looks(struct front_desk *desk)
{
    int64_t end = hook_clock_ms() + WIRE_DEADLINE_CAP_MS;

    while (desk->n_attaching > 0 && hook_clock_ms() < end)
        settle_within(desk, end);
    front_desk_look_at_all(desk);
    end = hook_clock_ms() + WIRE_DEADLINE_CAP_MS;
    while (desk->looks && hook_clock_ms() < end)
        settle_within(desk, front_desk_deadline(desk));
}

bool
front_relay_run(int client, int server, int broker)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    struct front_asker *asker = relay ? front_asker_new(broker) : NULL;
    bool good;

    if (!asker) {
        free(relay);
        return false;
    }
    relay->desk.to_server = &relay->to_server;
    relay->desk.to_client = &relay->to_client;
    relay->desk.asker = asker;
    front_pipe_init(&relay->to_server, client, server, FRONT_CALL_WITH_FDS,
                    &front_desk_calls, &relay->desk);
    front_pipe_init(&relay->to_client, server, client, FRONT_REPLY_WITH_FDS,
                    &front_desk_replies, &relay->desk);
    relay_packets(relay);
    good = relay->to_server.end != FRONT_BROKEN &&
           relay->to_client.end != FRONT_BROKEN;
    (void)close(client);
    (void)close(server);
    take_last_looks(&relay->desk);
    front_desk_clear(&relay->desk);
    front_pipe_clear(&relay->to_server);
    front_pipe_clear(&relay->to_client);
    free(relay);
    return good;
}

void
front_relay_apologise(int client, const char *why)
{
    int64_t deadline = hook_clock_ms() + FRONT_LINGER_MS;
    uint8_t bytes[FRONT_HEADER];
    struct front_header call;
    size_t len;

    if (hook_read(client, bytes, sizeof(bytes), deadline) == HOOK_IO_DONE &&
        front_header_read(bytes, &call) && call.type == FRONT_CALL) {
        hook_autofree uint8_t *reply =
            front_error_reply(&call, FRONT_ERROR_RPC, why, &len);

        if (reply)
            (void)hook_write(client, reply, len, deadline);
        /* Closing with bytes unread would take the reply back. */
        (void)shutdown(client, SHUT_WR);
        while (hook_read(client, bytes, 1, deadline) == HOOK_IO_DONE)
            continue;
    }
    (void)close(client);
}
