/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/front-pipe.c - one direction of a connection, packet by packet
 */
#include "config.h"

#include "hooks/front-pipe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void
close_all(int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

void
front_packet_free(struct front_packet *packet)
{
    if (!packet)
        return;
    close_all(packet->fds, packet->n_fds);
    free(packet->bytes);
    free(packet);
}

void
front_pipe_init(struct front_pipe *pipe,
                int from,
                int to,
                const struct front_pipe_calls *calls,
                void *opaque)
{
    pipe->from = from;
    pipe->to = to;
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

    close_all(pipe->in_fds, pipe->n_in_fds);
    pipe->n_in_fds = 0;
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

/* ---- reading --------------------------------------------------------------- */

static void
breaks(struct front_pipe *pipe)
{
    pipe->end = FRONT_BROKEN;
}

/* The kernel ends a read after the bytes that descriptors came with. */
static void
take_fds(struct front_pipe *pipe, struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
         part = CMSG_NXTHDR(message, part)) {
        size_t bytes = part->cmsg_len - CMSG_LEN(0);

        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        memcpy(pipe->in_fds, CMSG_DATA(part), bytes);
        pipe->n_in_fds = bytes / sizeof(int);
    }
    if (message->msg_flags & MSG_CTRUNC)
        breaks(pipe);
}

/* Moves what is left to the front, and reads after it. */
static bool
read_more(struct front_pipe *pipe)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * FRONT_FDS_MAX)];
    } control;
    struct iovec part;
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    ssize_t got;

    /* They came in the middle of something else. */
    if (pipe->n_in_fds > 0)
        breaks(pipe);
    if (pipe->end != FRONT_GOES_ON || pipe->closing || pipe->paused)
        return false;
    memmove(pipe->in, pipe->in + pipe->in_at, pipe->in_len - pipe->in_at);
    pipe->in_len -= pipe->in_at;
    pipe->in_at = 0;
    part = (struct iovec){pipe->in + pipe->in_len,
                          sizeof(pipe->in) - pipe->in_len};
    do
        got = recvmsg(pipe->from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return false;
    if (got <= 0) {
        /* A reset says no more than an end does. */
        pipe->closing = true;
        return false;
    }
    take_fds(pipe, &message);
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

static ssize_t
send_some(struct front_pipe *pipe)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)pipe->out, pipe->out_len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct cmsghdr *header;

    if (pipe->out_fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &pipe->out_fd, sizeof(int));
    }
    return sendmsg(pipe->to, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* false: there is something left to send, or it cannot be sent. */
static bool
send_out(struct front_pipe *pipe)
{
    while (pipe->out_len > 0) {
        ssize_t sent = send_some(pipe);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN)
            breaks(pipe);
        if (sent < 0)
            return false;
        pipe->out += sent;
        pipe->out_len -= (size_t)sent;
        if (pipe->out_fd >= 0)
            (void)close(pipe->out_fd);
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

/* Each takes one step, and returns whether there may be another. */

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

static struct front_packet *
packet_new(const struct front_header *header)
{
    struct front_packet *packet = calloc(1, sizeof(*packet));

    if (packet)
        packet->bytes = malloc(header->len);
    if (!packet || !packet->bytes) {
        free(packet);
        return NULL;
    }
    packet->header = *header;
    return packet;
}

static bool
brings_fds(const struct front_header *header)
{
    return header->type == FRONT_CALL_WITH_FDS ||
           header->type == FRONT_REPLY_WITH_FDS;
}

static bool
begin_packet(struct front_pipe *pipe)
{
    struct front_header header;
    const uint8_t *bytes = pipe->in + pipe->in_at;

    if (available(pipe) < FRONT_HEADER)
        return read_more(pipe);
    if (!front_header_read(bytes, &header)) {
        breaks(pipe);
        return false;
    }
    pipe->fds_left = 0;
    if (brings_fds(&header)) {
        if (header.len < FRONT_HEADER + 4) {
            breaks(pipe);
            return false;
        }
        if (available(pipe) < FRONT_HEADER + 4)
            return read_more(pipe);
        pipe->fds_left = front_xdr_get(bytes + FRONT_HEADER);
    }
    if (pipe->fds_left > FRONT_FDS_MAX) {
        breaks(pipe);
        return false;
    }
    pipe->left = header.len;
    pipe->state = FRONT_IN_PASSING;
    if (pipe->calls->begins(pipe->opaque, &header)) {
        pipe->held = packet_new(&header);
        pipe->state = FRONT_IN_HELD;
        if (!pipe->held)
            breaks(pipe);
    }
    return true;
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

static bool
step(struct front_pipe *pipe)
{
    if (!send_out(pipe))
        return false;
    if (pipe->sending || (pipe->state == FRONT_AT_HEADER && pipe->queue))
        return send_queued(pipe);
    switch (pipe->state) {
    case FRONT_AT_HEADER:
        return begin_packet(pipe);
    case FRONT_IN_PASSING:
        return pass_piece(pipe);
    case FRONT_IN_HELD:
        /* What waits need not wait for a packet that is only collected. */
        return pipe->queue ? send_queued(pipe) : hold_piece(pipe);
    case FRONT_AT_FDS:
        return pass_fd(pipe);
    }
    return false;
}

void
front_pipe_run(struct front_pipe *pipe)
{
    while (pipe->end == FRONT_GOES_ON && step(pipe))
        continue;
    if (pipe->end == FRONT_GOES_ON && pipe->closing && pipe->out_len == 0 &&
        !pipe->sending && !pipe->queue)
        pipe->end = FRONT_CLOSED;
}

bool
front_pipe_wants_input(const struct front_pipe *pipe)
{
    return pipe->end == FRONT_GOES_ON && !pipe->closing && !pipe->paused &&
           pipe->out_len == 0;
}

bool
front_pipe_wants_output(const struct front_pipe *pipe)
{
    return pipe->end == FRONT_GOES_ON && pipe->out_len > 0;
}
