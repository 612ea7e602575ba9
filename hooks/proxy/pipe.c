/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/pipe.c - one direction of a connection, packet by packet
 */
#include "config.h"

#include "hooks/proxy/pipe.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

void
front_pipe_init(struct front_pipe *pipe,
                int from,
                int to,
                enum front_type with_fds,
                const struct front_pipe_calls *calls,
                void *opaque)
{
    memset(pipe, 0, offsetof(struct front_pipe, in));
    pipe->from = from;
    pipe->to = to;
    pipe->with_fds = with_fds;
    pipe->calls = calls;
    pipe->opaque = opaque;
    pipe->state = FRONT_AT_HEADER;
    pipe->end = FRONT_GOES_ON;
    pipe->out_fd = -1;
}

void
front_pipe_clear(struct front_pipe *pipe)
{
    struct front_packet *packet;

    front_socket_close_all(pipe->in_fds, pipe->n_in_fds);
    pipe->n_in_fds = 0;
    front_socket_close_all(&pipe->out_fd, 1);
    pipe->out_fd = -1;
    front_packet_free(pipe->held);
    front_packet_free(pipe->sending);
    pipe->held = pipe->sending = NULL;
    while ((packet = pipe->queue)) {
        pipe->queue = packet->next;
        front_packet_free(packet);
    }
}

void
front_pipe_put(struct front_pipe *pipe, struct front_packet *packet)
{
    struct front_packet **last = &pipe->queue;

    while (*last)
        last = &(*last)->next;
    packet->next = NULL;
    *last = packet;
}

void
front_pipe_expect(struct front_pipe *pipe)
{
    pipe->expected++;
}

void
front_pipe_drop(struct front_pipe *pipe)
{
    pipe->expected--;
}

void
front_pipe_go_on(struct front_pipe *pipe)
{
    pipe->waiting = false;
}

/* ---- reading --------------------------------------------------------------- */

static void
breaks(struct front_pipe *pipe)
{
    pipe->end = FRONT_BROKEN;
}

static void
move_to_front(struct front_pipe *pipe)
{
    memmove(pipe->in, pipe->in + pipe->in_at, pipe->in_len - pipe->in_at);
    pipe->in_len -= pipe->in_at;
    pipe->in_at = 0;
}

/* Whether more bytes are there now. */
static bool
read_more(struct front_pipe *pipe)
{
    ssize_t got;

    /* They came in the middle of something else. */
    if (pipe->n_in_fds > 0)
        breaks(pipe);
    if (pipe->end != FRONT_GOES_ON || pipe->closing ||
        pipe->reads >= FRONT_PIPE_READS)
        return false;
    pipe->reads++;
    move_to_front(pipe);
    got = front_socket_receive(pipe->from, pipe->in + pipe->in_len,
                               sizeof(pipe->in) - pipe->in_len, pipe->in_fds,
                               &pipe->n_in_fds);
    if (got < 0 && errno == EAGAIN)
        return false;
    if (got < 0 && errno == EMSGSIZE) {
        breaks(pipe);
        return false;
    }
    if (got <= 0) {
        /* A reset says no more than an end does. */
        pipe->closing = true;
        return false;
    }
    pipe->in_len += (size_t)got;
    return true;
}

static size_t
available(const struct front_pipe *pipe)
{
    return pipe->in_len - pipe->in_at;
}

/* Descriptors came with the last byte read. If that byte is used for anything
 * else, they do not belong. */
static void
use(struct front_pipe *pipe, size_t len)
{
    pipe->in_at += len;
    if (pipe->in_at == pipe->in_len && pipe->n_in_fds > 0)
        breaks(pipe);
}

/* ---- sending --------------------------------------------------------------- */

/* false: there is something left to send, or it cannot be sent. */
static bool
send_out(struct front_pipe *pipe)
{
    while (pipe->out_len > 0) {
        ssize_t sent =
            front_socket_send(pipe->to, pipe->out, pipe->out_len, pipe->out_fd);

        if (sent < 0 && errno != EAGAIN)
            pipe->end = FRONT_CUT;
        if (sent < 0)
            return false;
        pipe->out += sent;
        pipe->out_len -= (size_t)sent;
        front_socket_close_all(&pipe->out_fd, 1);
        pipe->out_fd = -1;
    }
    return true;
}

static void
set_out(struct front_pipe *pipe, const uint8_t *bytes, size_t len)
{
    pipe->out = bytes;
    pipe->out_len = len;
}

/* ---- steps ----------------------------------------------------------------- */

static void
at_end_of_packet(struct front_pipe *pipe)
{
    struct front_packet *held = pipe->held;

    if (pipe->fds_left > 0) {
        pipe->state = FRONT_AT_FDS;
        return;
    }
    pipe->state = FRONT_AT_HEADER;
    pipe->held = NULL;
    if (held)
        pipe->calls->whole(pipe->opaque, held);
}

/* Whether the number of descriptors is there and can be right. */
static bool
read_fds_left(struct front_pipe *pipe, const struct front_header *header)
{
    pipe->fds_left = 0;
    if (header->type != pipe->with_fds)
        return true;
    if (header->len < FRONT_HEADER + 4)
        return false;
    pipe->fds_left = front_xdr_get(pipe->in + pipe->in_at + FRONT_HEADER);
    return pipe->fds_left <= FRONT_FDS_MAX;
}

static bool
start_packet(struct front_pipe *pipe, const struct front_header *header)
{
    enum front_choice choice = pipe->calls->begins(pipe->opaque, header);

    if (choice == FRONT_WAIT) {
        pipe->waiting = true;
        return false;
    }
    pipe->left = header->len;
    pipe->state = choice == FRONT_HOLD ? FRONT_IN_HELD : FRONT_IN_PASSING;
    if (choice == FRONT_HOLD) {
        pipe->held = front_packet_new(header);
        if (!pipe->held)
            breaks(pipe);
    }
    return true;
}

/* The steps that follow return whether there may be another. */

static bool
begin_packet(struct front_pipe *pipe)
{
    struct front_header header;

    if (pipe->waiting)
        return false;
    if (available(pipe) < FRONT_HEADER)
        return read_more(pipe);
    if (!front_header_read(pipe->in + pipe->in_at, &header)) {
        breaks(pipe);
        return false;
    }
    if (header.type == pipe->with_fds && header.len >= FRONT_HEADER + 4 &&
        available(pipe) < FRONT_HEADER + 4)
        return read_more(pipe);
    if (!read_fds_left(pipe, &header)) {
        breaks(pipe);
        return false;
    }
    return start_packet(pipe, &header);
}

static size_t
next_piece(const struct front_pipe *pipe)
{
    size_t there = available(pipe);

    return there < pipe->left ? there : pipe->left;
}

static bool
pass_piece(struct front_pipe *pipe)
{
    size_t len = next_piece(pipe);

    if (len == 0)
        return read_more(pipe);
    set_out(pipe, pipe->in + pipe->in_at, len);
    use(pipe, len);
    pipe->left -= len;
    if (pipe->left == 0)
        at_end_of_packet(pipe);
    return true;
}

static bool
hold_piece(struct front_pipe *pipe)
{
    size_t len = next_piece(pipe);

    if (len == 0)
        return read_more(pipe);
    memcpy(pipe->held->bytes + pipe->held->len, pipe->in + pipe->in_at, len);
    pipe->held->len += len;
    use(pipe, len);
    pipe->left -= len;
    if (pipe->left == 0)
        at_end_of_packet(pipe);
    return true;
}

/* One byte, one descriptor. */
static bool
pass_fd(struct front_pipe *pipe)
{
    if (available(pipe) == 0)
        return read_more(pipe);
    if (available(pipe) != 1 || pipe->n_in_fds != 1) {
        breaks(pipe);
        return false;
    }
    if (pipe->held) {
        pipe->held->fds[pipe->held->n_fds++] = pipe->in_fds[0];
    } else {
        set_out(pipe, pipe->in + pipe->in_at, 1);
        pipe->out_fd = pipe->in_fds[0];
    }
    pipe->n_in_fds = 0;
    use(pipe, 1);
    pipe->fds_left--;
    if (pipe->fds_left == 0)
        at_end_of_packet(pipe);
    return true;
}

/* What was put in, then the bytes of its descriptors. */
static bool
send_queued(struct front_pipe *pipe)
{
    static const uint8_t dummy[1];
    struct front_packet *packet = pipe->sending;

    if (!packet) {
        packet = pipe->sending = pipe->queue;
        pipe->queue = packet->next;
        pipe->sent_fds = 0;
        set_out(pipe, packet->bytes, packet->len);
        if (pipe->calls->goes)
            pipe->calls->goes(pipe->opaque, packet);
        return true;
    }
    if (pipe->sent_fds < packet->n_fds) {
        set_out(pipe, dummy, 1);
        pipe->out_fd = packet->fds[pipe->sent_fds];
        packet->fds[pipe->sent_fds++] = -1;
        return true;
    }
    front_packet_free(packet);
    pipe->sending = NULL;
    return true;
}

/* A packet that is only collected is none that is under way. */
static bool
is_between(const struct front_pipe *pipe)
{
    return pipe->state == FRONT_AT_HEADER || pipe->held;
}

static bool
step(struct front_pipe *pipe)
{
    if (!send_out(pipe))
        return false;
    if (pipe->sending || (pipe->queue && is_between(pipe)))
        return send_queued(pipe);
    switch (pipe->state) {
    case FRONT_AT_HEADER:
        return begin_packet(pipe);
    case FRONT_IN_PASSING:
        return pass_piece(pipe);
    case FRONT_IN_HELD:
        return hold_piece(pipe);
    case FRONT_AT_FDS:
        return pass_fd(pipe);
    }
    return false;
}

/* A packet that waits may still go on; one that is cut off cannot, nor can what
 * would have followed one of which a part has gone out. */
static bool
is_over(const struct front_pipe *pipe)
{
    if (!pipe->closing || pipe->waiting || pipe->out_len > 0 || pipe->sending)
        return false;
    return !is_between(pipe) || (!pipe->queue && pipe->expected == 0);
}

void
front_pipe_run(struct front_pipe *pipe)
{
    pipe->reads = 0;
    while (pipe->end == FRONT_GOES_ON && step(pipe))
        continue;
    if (pipe->end == FRONT_GOES_ON && is_over(pipe))
        pipe->end = FRONT_CLOSED;
}

bool
front_pipe_wants_input(const struct front_pipe *pipe)
{
    return pipe->end == FRONT_GOES_ON && !pipe->closing && !pipe->waiting &&
           pipe->out_len == 0;
}

bool
front_pipe_wants_output(const struct front_pipe *pipe)
{
    return pipe->end == FRONT_GOES_ON && pipe->out_len > 0;
}
