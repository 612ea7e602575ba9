/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/pipe.h - one direction of a connection, packet by packet
 *
 * The callbacks choose for each packet: it goes through in pieces as they come,
 * however long it is; or it is collected whole and handed over, and what
 * follows flows past it. Packets can be put in; they go out between two others.
 *
 * Descriptors travel behind the packet that they belong to, and only packets of
 * with_fds have any: calls on the way to libvirtd, replies on the way back. Any
 * others break the pipe. If one end took a byte for a descriptor's and the
 * other did not, they would disagree on where the next packet begins.
 *
 * Nothing here waits for a socket, and both stay the caller's.
 * Limits: PROXY_PIPE_BUFFER bytes are read ahead; what is collected is the
 *         callback's to limit. One thread.
 */
#ifndef REMORA_HOOKS_PROXY_PIPE_H
#define REMORA_HOOKS_PROXY_PIPE_H

#include "hooks/proxy/packet.h"

#include <stdbool.h>

/* How many bytes are read at once. */
#define PROXY_PIPE_BUFFER (256u * 1024u)
/* How many reads one run makes, so that the other direction gets its turn. */
#define PROXY_PIPE_READS 16u

enum proxy_choice {
    PROXY_PASS_ON, /* as it comes */
    PROXY_HOLD,    /* it is to be collected */
    PROXY_WAIT,    /* nothing goes on until proxy_pipe_go_on() */
};

struct proxy_pipe_calls {
    /* A packet begins. After PROXY_WAIT this is called again for the same one. */
    enum proxy_choice (*begins)(void *opaque,
                                const struct proxy_header *header);
    /* It is whole, and the receiver's to free. */
    void (*whole)(void *opaque, struct proxy_packet *packet);
    /* One that was put in begins to go out. NULL: nobody wants to know. */
    void (*goes)(void *opaque, const struct proxy_packet *packet);
};

enum proxy_state {
    PROXY_AT_HEADER,
    PROXY_IN_PASSING, /* the rest of a packet goes through */
    PROXY_IN_HELD,    /* or is collected */
    PROXY_AT_FDS,     /* the bytes that bring descriptors */
};

enum proxy_end {
    PROXY_GOES_ON,
    PROXY_CLOSED, /* the sender has closed, and all is passed on */
    PROXY_CUT,    /* the receiver is gone */
    PROXY_BROKEN, /* what came is not the protocol, or there is no memory */
};

struct proxy_pipe {
    int from;
    int to;
    enum proxy_type with_fds;
    const struct proxy_pipe_calls *calls;
    void *opaque;
    enum proxy_state state;
    enum proxy_end end;
    bool closing;    /* the sender has closed */
    bool waiting;    /* after PROXY_WAIT */
    size_t expected; /* packets that were handed over and will come back */
    unsigned reads;  /* in this run */
    /* Read, and not yet dealt with. */
    size_t in_at;
    size_t in_len;
    int in_fds[PROXY_FDS_MAX]; /* they came with the last byte of in */
    size_t n_in_fds;
    /* To be sent before anything else. */
    const uint8_t *out;
    size_t out_len;
    int out_fd;                   /* with its first byte, or -1 */
    size_t left;                  /* of the packet */
    size_t fds_left;              /* that follow the packet */
    struct proxy_packet *held;    /* is being collected */
    struct proxy_packet *queue;   /* to go out between packets */
    struct proxy_packet *sending; /* the one that goes out */
    size_t sent_fds;
    uint8_t in[PROXY_PIPE_BUFFER]; /* last: it is touched only as it fills */
};

/* with_fds: PROXY_CALL_WITH_FDS on the way to libvirtd, PROXY_REPLY_WITH_FDS on
 * the way back. */
void proxy_pipe_init(struct proxy_pipe *pipe,
                     int from,
                     int to,
                     enum proxy_type with_fds,
                     const struct proxy_pipe_calls *calls,
                     void *opaque);
void proxy_pipe_clear(struct proxy_pipe *pipe);

/* Takes packet over. It goes out after what was put in before, as soon as no
 * other packet is under way. */
void proxy_pipe_put(struct proxy_pipe *pipe, struct proxy_packet *packet);

/* A pipe whose sender has closed is not over while packets are expected: each
 * proxy_pipe_expect() is followed by one proxy_pipe_put() or by
 * proxy_pipe_drop(), which says that it will not come. */
void proxy_pipe_expect(struct proxy_pipe *pipe);
void proxy_pipe_drop(struct proxy_pipe *pipe);

void proxy_pipe_go_on(struct proxy_pipe *pipe);

/* Does all that can be done without waiting. */
void proxy_pipe_run(struct proxy_pipe *pipe);
/* What to wait for then. */
bool proxy_pipe_wants_input(const struct proxy_pipe *pipe);
bool proxy_pipe_wants_output(const struct proxy_pipe *pipe);

#endif
