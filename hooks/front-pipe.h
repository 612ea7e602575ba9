/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/front-pipe.h - one direction of a connection, packet by packet
 *
 * What nobody asks for goes through in pieces as it comes, however large the
 * packet; what is asked for is collected whole and handed over, and the rest
 * keeps flowing past it. Packets can be put in, and go out between two others.
 * Descriptors travel with the bytes that they came with; where none belong,
 * the pipe breaks.
 *
 * Neither descriptor is waited for here, and both stay the caller's.
 */
#ifndef REMORA_HOOKS_FRONT_PIPE_H
#define REMORA_HOOKS_FRONT_PIPE_H

#include "hooks/front-calls.h"

#include <stdbool.h>

/* How much is read at once. */
#define FRONT_PIPE_ROOM (256u * 1024u)

struct front_packet {
    struct front_header header;
    uint8_t *bytes; /* all of it, malloc()ed */
    size_t len;
    int fds[FRONT_FDS_MAX];
    size_t n_fds;
    struct front_packet *next;
};

void front_packet_free(struct front_packet *packet);

struct front_pipe_calls {
    /* A packet begins; true: it is to be collected. */
    bool (*begins)(void *opaque, const struct front_header *header);
    /* It is whole, and the receiver's to free. */
    void (*whole)(void *opaque, struct front_packet *packet);
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
    FRONT_BROKEN, /* an error, or what is not the protocol */
};

struct front_pipe {
    int from;
    int to;
    const struct front_pipe_calls *calls;
    void *opaque;
    enum front_state state;
    enum front_end end;
    bool closing; /* the sender has closed */
    bool paused;  /* nothing more is read; set by the caller */
    /* Read, and not yet dealt with. */
    uint8_t in[FRONT_PIPE_ROOM];
    size_t in_at;
    size_t in_len;
    int in_fds[FRONT_FDS_MAX]; /* they came with the last byte of in */
    size_t n_in_fds;
    /* To be sent before anything else. */
    const uint8_t *out;
    size_t out_len;
    int out_fd; /* with its first byte, or -1 */
    size_t left;     /* of the packet, or of the bytes with descriptors */
    size_t fds_left; /* that follow the packet */
    struct front_packet *held;    /* is being collected */
    struct front_packet *queue;   /* to go out between packets */
    struct front_packet *sending; /* the one that goes out */
    size_t sent_fds;
};

void front_pipe_init(struct front_pipe *pipe,
                     int from,
                     int to,
                     const struct front_pipe_calls *calls,
                     void *opaque);
void front_pipe_clear(struct front_pipe *pipe);

/* Takes packet over. It goes out after what was put in before, as soon as no
 * other packet is under way. */
void front_pipe_put(struct front_pipe *pipe, struct front_packet *packet);

/* Does all that can be done without waiting. */
void front_pipe_run(struct front_pipe *pipe);
/* What to wait for then. */
bool front_pipe_wants_input(const struct front_pipe *pipe);
bool front_pipe_wants_output(const struct front_pipe *pipe);

#endif
