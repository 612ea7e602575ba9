/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/pipe.h - one direction of a connection, packet by packet
 *
 * What nobody asks for goes through in pieces as it comes, however large the
 * packet; what is asked for is collected whole and handed over, and the rest
 * keeps flowing past it. Packets can be put in, and go out between two others.
 * Descriptors travel with the bytes that they came with; where none belong,
 * the pipe breaks. They belong behind packets of one type only: libvirtd takes
 * none behind a reply, nor a client behind a call, and where one saw them and
 * the other did not, each would see other packets.
 *
 * Neither descriptor is waited for here, and both stay the caller's.
 * Limits: one read of FRONT_PIPE_ROOM ahead; what is collected is the
 *         callback's to limit. One thread.
 */
#ifndef REMORA_HOOKS_PROXY_PIPE_H
#define REMORA_HOOKS_PROXY_PIPE_H

#include "hooks/proxy/packet.h"

#include <stdbool.h>

/* How much is read at once. */
#define FRONT_PIPE_ROOM (256u * 1024u)
/* How often in one run, so that the other direction gets its turn. */
#define FRONT_PIPE_READS 16u

enum front_choice {
    FRONT_PASS_ON, /* as it comes */
    FRONT_HOLD,    /* it is to be collected */
    FRONT_WAIT,    /* nothing goes on until front_pipe_go_on() */
};

struct front_pipe_calls {
    /* A packet begins. After FRONT_WAIT it is asked again for the same one. */
    enum front_choice (*begins)(void *opaque,
                                const struct front_header *header);
    /* It is whole, and the receiver's to free. */
    void (*whole)(void *opaque, struct front_packet *packet);
    /* One that was put in begins to go out. NULL: nobody wants to know. */
    void (*goes)(void *opaque, const struct front_packet *packet);
};

enum front_state {
    FRONT_AT_HEADER,
    FRONT_IN_PASSING, /* the rest of a packet goes through */
    FRONT_IN_HELD,    /* or is collected */
    FRONT_AT_FDS,     /* the bytes that bring descriptors */
};

enum front_end {
    FRONT_GOES_ON,
    FRONT_CLOSED, /* the sender has closed, and all is passed on */
    FRONT_CUT,    /* the receiver is gone */
    FRONT_BROKEN, /* what came is not the protocol, or there is no memory */
};

struct front_pipe {
    int from;
    int to;
    enum front_type with_fds;
    const struct front_pipe_calls *calls;
    void *opaque;
    enum front_state state;
    enum front_end end;
    bool closing;    /* the sender has closed */
    bool waiting;    /* after FRONT_WAIT */
    size_t expected; /* packets that are out for a question, and come back */
    unsigned reads;  /* in this run */
    /* Read, and not yet dealt with. */
    size_t in_at;
    size_t in_len;
    int in_fds[FRONT_FDS_MAX]; /* they came with the last byte of in */
    size_t n_in_fds;
    /* To be sent before anything else. */
    const uint8_t *out;
    size_t out_len;
    int out_fd;                   /* with its first byte, or -1 */
    size_t left;                  /* of the packet */
    size_t fds_left;              /* that follow the packet */
    struct front_packet *held;    /* is being collected */
    struct front_packet *queue;   /* to go out between packets */
    struct front_packet *sending; /* the one that goes out */
    size_t sent_fds;
    uint8_t in[FRONT_PIPE_ROOM]; /* last: it is touched only as it fills */
};

/* with_fds: FRONT_CALL_WITH_FDS on the way to libvirtd, FRONT_REPLY_WITH_FDS on
 * the way back. */
void front_pipe_init(struct front_pipe *pipe,
                     int from,
                     int to,
                     enum front_type with_fds,
                     const struct front_pipe_calls *calls,
                     void *opaque);
void front_pipe_clear(struct front_pipe *pipe);

/* Takes packet over. It goes out after what was put in before, as soon as no
 * other packet is under way. */
void front_pipe_put(struct front_pipe *pipe, struct front_packet *packet);

/* A pipe whose sender has closed is not over while packets are expected: each
 * front_pipe_expect() is followed by one front_pipe_put() or by
 * front_pipe_drop(), which says that it will not come. */
void front_pipe_expect(struct front_pipe *pipe);
void front_pipe_drop(struct front_pipe *pipe);

void front_pipe_go_on(struct front_pipe *pipe);

/* Does all that can be done without waiting. */
void front_pipe_run(struct front_pipe *pipe);
/* What to wait for then. */
bool front_pipe_wants_input(const struct front_pipe *pipe);
bool front_pipe_wants_output(const struct front_pipe *pipe);

#endif
