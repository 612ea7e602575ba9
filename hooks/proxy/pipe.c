/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/pipe.c - one direction of a connection, packet by packet
 */
#include "config.h"

#include "hooks/proxy/pipe.h"

#include "hooks/proxy/xdr.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

void
proxy_pipe_init(struct proxy_pipe *pipe,
                int from,
                int to,
                enum proxy_type with_fds,
                const struct proxy_pipe_calls *calls,
                void *opaque)
{
    memset(pipe, 0, offsetof(struct proxy_pipe, in));
    pipe->from = from;
    pipe->to = to;
    pipe->with_fds = with_fds;
    pipe->calls = calls;
    pipe->opaque = opaque;
    pipe->state = PROXY_AT_HEADER;
    pipe->end = PROXY_GOES_ON;
    pipe->out_fd = -1;
}

void
proxy_pipe_clear(struct proxy_pipe *pipe)
{
    struct proxy_packet *packet;

    proxy_socket_close_all(pipe->in_fds, pipe->n_in_fds);
    pipe->n_in_fds = 0;
    proxy_socket_close_all(&pipe->out_fd, 1);
    pipe->out_fd = -1;
    proxy_packet_free(pipe->held);
    proxy_packet_free(pipe->sending);
    pipe->held = pipe->sending = NULL;
    while ((packet = pipe->queue)) {
        pipe->queue = packet->next;
        proxy_packet_free(packet);
    }
}

void
proxy_pipe_put(struct proxy_pipe *pipe, struct proxy_packet *packet)
{
    struct proxy_packet **last = &pipe->queue;

    while (*last)
        last = &(*last)->next;
    packet->next = NULL;
    *last = packet;
}

void
proxy_pipe_expect(struct proxy_pipe *pipe)
{
    pipe->expected++;
}

void
proxy_pipe_drop(struct proxy_pipe *pipe)
{
    pipe->expected--;
}

void
proxy_pipe_go_on(struct proxy_pipe *pipe)
{
    pipe->waiting = false;
}

/* ---- reading --------------------------------------------------------------- */

static void
breaks(struct proxy_pipe *pipe)
{
    pipe->end = PROXY_BROKEN;
}

static void
move_to_front(struct proxy_pipe *pipe)
{
    memmove(pipe->in, pipe->in + pipe->in_at, pipe->in_len - pipe->in_at);
    pipe->in_len -= pipe->in_at;
    pipe->in_at = 0;
}

/* Whether more bytes are there now. */
static bool
read_more(struct proxy_pipe *pipe)
{
    ssize_t got;

    /* Those of the last read were not taken, so they do not belong there. */
    if (pipe->n_in_fds > 0)
        breaks(pipe);
    if (pipe->end != PROXY_GOES_ON || pipe->closing ||
        pipe->reads >= PROXY_PIPE_READS)
        return false;
    pipe->reads++;
    move_to_front(pipe);
    got = proxy_socket_receive(pipe->from, pipe->in + pipe->in_len,
                               sizeof(pipe->in) - pipe->in_len, pipe->in_fds,
                               &pipe->n_in_fds);
    if (got < 0 && errno == EAGAIN)
        return false;
    if (got < 0 && errno == EMSGSIZE) {
        breaks(pipe);
        return false;
    }
    if (got <= 0) {
        /* An error (a reset) is taken as the end. */
        pipe->closing = true;
        return false;
    }
    pipe->in_len += (size_t)got;
    return true;
}

static size_t
available(const struct proxy_pipe *pipe)
{
    return pipe->in_len - pipe->in_at;
}

/* Descriptors came with the last byte read. If that byte is used for anything
 * else, they do not belong. */
static void
use(struct proxy_pipe *pipe, size_t len)
{
    pipe->in_at += len;
    if (pipe->in_at == pipe->in_len && pipe->n_in_fds > 0)
        breaks(pipe);
}

/* ---- sending --------------------------------------------------------------- */

/* false: there is something left to send, or it cannot be sent. */
static bool
send_out(struct proxy_pipe *pipe)
{
    while (pipe->out_len > 0) {
        ssize_t sent =
            proxy_socket_send(pipe->to, pipe->out, pipe->out_len, pipe->out_fd);

        if (sent < 0 && errno != EAGAIN)
            pipe->end = PROXY_CUT;
        if (sent < 0)
            return false;
        pipe->out += sent;
        pipe->out_len -= (size_t)sent;
        proxy_socket_close_all(&pipe->out_fd, 1);
        pipe->out_fd = -1;
    }
    return true;
}

static void
set_out(struct proxy_pipe *pipe, const uint8_t *bytes, size_t len)
{
    pipe->out = bytes;
    pipe->out_len = len;
}

/* ---- steps ----------------------------------------------------------------- */

static void
at_end_of_packet(struct proxy_pipe *pipe)
{
    struct proxy_packet *held = pipe->held;

    if (pipe->fds_left > 0) {
        pipe->state = PROXY_AT_FDS;
        return;
    }
    pipe->state = PROXY_AT_HEADER;
    pipe->held = NULL;
    if (held)
        pipe->calls->whole(pipe->opaque, held);
}

/* false: the number of descriptors is missing, or too large. */
static bool
read_fds_left(struct proxy_pipe *pipe, const struct proxy_header *header)
{
    pipe->fds_left = 0;
    if (header->type != pipe->with_fds)
        return true;
    if (header->len < PROXY_HEADER_LEN + 4)
        return false;
    pipe->fds_left = proxy_xdr_get(pipe->in + pipe->in_at + PROXY_HEADER_LEN);
    return pipe->fds_left <= PROXY_FDS_MAX;
}

static bool
start_packet(struct proxy_pipe *pipe, const struct proxy_header *header)
{
    enum proxy_choice choice = pipe->calls->begins(pipe->opaque, header);

    if (choice == PROXY_WAIT) {
        pipe->waiting = true;
        return false;
    }
    pipe->left = header->len;
    pipe->state = choice == PROXY_HOLD ? PROXY_IN_HELD : PROXY_IN_PASSING;
    if (choice == PROXY_HOLD) {
        pipe->held = proxy_packet_new(header);
        if (!pipe->held)
            breaks(pipe);
    }
    return true;
}

/* The steps that follow return whether there may be another. */

static bool
begin_packet(struct proxy_pipe *pipe)
{
    struct proxy_header header;

    if (pipe->waiting)
        return false;
    if (available(pipe) < PROXY_HEADER_LEN)
        return read_more(pipe);
    if (!proxy_header_read(pipe->in + pipe->in_at, &header)) {
        breaks(pipe);
        return false;
    }
    if (header.type == pipe->with_fds && header.len >= PROXY_HEADER_LEN + 4 &&
        available(pipe) < PROXY_HEADER_LEN + 4)
        return read_more(pipe);
    if (!read_fds_left(pipe, &header)) {
        breaks(pipe);
        return false;
    }
    return start_packet(pipe, &header);
}

static size_t
next_piece(const struct proxy_pipe *pipe)
{
    size_t there = available(pipe);

    return there < pipe->left ? there : pipe->left;
}

static bool
pass_piece(struct proxy_pipe *pipe)
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
hold_piece(struct proxy_pipe *pipe)
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
pass_fd(struct proxy_pipe *pipe)
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
send_queued(struct proxy_pipe *pipe)
{
    static const uint8_t dummy[1];
    struct proxy_packet *packet = pipe->sending;

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
    proxy_packet_free(packet);
    pipe->sending = NULL;
    return true;
}

/* Whether another packet may go out now: nothing of a packet that is being
 * collected has gone out yet. */
static bool
is_between(const struct proxy_pipe *pipe)
{
    return pipe->state == PROXY_AT_HEADER || pipe->held;
}

static bool
step(struct proxy_pipe *pipe)
{
    if (!send_out(pipe))
        return false;
    if (pipe->sending || (pipe->queue && is_between(pipe)))
        return send_queued(pipe);
    switch (pipe->state) {
    case PROXY_AT_HEADER:
        return begin_packet(pipe);
    case PROXY_IN_PASSING:
        return pass_piece(pipe);
    case PROXY_IN_HELD:
        return hold_piece(pipe);
    case PROXY_AT_FDS:
        return pass_fd(pipe);
    }
    return false;
}

/* After its sender has closed a pipe is over when nothing is left that can go
 * out. If a packet was cut off in the middle of going out, nothing can follow
 * it. */
static bool
is_over(const struct proxy_pipe *pipe)
{
    if (!pipe->closing || pipe->waiting || pipe->out_len > 0 || pipe->sending)
        return false;
    return !is_between(pipe) || (!pipe->queue && pipe->expected == 0);
}

void
proxy_pipe_run(struct proxy_pipe *pipe)
{
    pipe->reads = 0;
    while (pipe->end == PROXY_GOES_ON && step(pipe))
        continue;
    if (pipe->end == PROXY_GOES_ON && is_over(pipe))
        pipe->end = PROXY_CLOSED;
}

bool
proxy_pipe_wants_input(const struct proxy_pipe *pipe)
{
    return pipe->end == PROXY_GOES_ON && !pipe->closing && !pipe->waiting &&
           pipe->out_len == 0;
}

bool
proxy_pipe_wants_output(const struct proxy_pipe *pipe)
{
    return pipe->end == PROXY_GOES_ON && pipe->out_len > 0;
}
