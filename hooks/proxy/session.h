/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/session.h - what becomes of each packet of a connection
 *
 * It stands between the two pipes of a relay. Everything passes, but for
 *   - CONNECT_OPEN, which tells whether the client may do more than read, and
 *     which goes on alone: the next one waits for its reply;
 *   - then calls that carry XML of remora's (front-calls.h, hook-sieve.h): the
 *     agent is asked, and they go on as it says, or are refused;
 *   - replies to calls that changed a domain's devices: the agent has its look
 *     at the domain first, as long as that takes FRONT_LOOK_MS at most. It is
 *     told which attach that ends, and so it is where an attach that it allowed
 *     does not get to libvirtd. Where nobody knows whether libvirtd is done with
 *     it, the agent only looks.
 *
 * Limits: FRONT_HELD_CALLS calls at once, FRONT_HELD_BYTES of them in all (one
 *         alone may have any length that libvirt allows); FRONT_WATCHES of them
 *         and of those that await their reply or look; then the client's
 *         next such call waits. Refusals that the client does not read count
 *         as calls.
 * One thread, but for the asker's.
 */
#ifndef REMORA_HOOKS_PROXY_SESSION_H
#define REMORA_HOOKS_PROXY_SESSION_H

#include "hooks/proxy/pipe.h"
#include "hooks/proxy/threads.h"

/* As many as libvirtd works on at once for a client. */
#define FRONT_HELD_CALLS 5u
#define FRONT_HELD_BYTES (16u * 1024u * 1024u)
#define FRONT_WATCHES    32u
#define FRONT_LOOK_MS    5000
/* CONNECT_OPEN with a longer name is taken to ask for everything. */
#define FRONT_OPEN_MAX (64u * 1024u)

/* How long to wait before trying again to start a thread for a look. */
#define FRONT_THREAD_MS 100

/* A call that went on, whose reply is waited for. */
struct front_watch {
    uint32_t procedure;
    uint32_t serial;
    const struct front_packet *waits; /* until it begins to go out */
    struct front_question *look;      /* that follows */
};

struct front_desk {
    struct front_pipe *to_server;
    struct front_pipe *to_client;
    struct front_asker *asker;
    bool open;    /* the client may do more than read */
    bool opening; /* a CONNECT_OPEN is under way */
    bool open_rw; /* and asks for that */
    uint32_t open_serial;
    size_t n_held;
    size_t held_bytes;
    size_t n_refusals;  /* that do not go out yet */
    size_t n_attaching; /* devices that the agent is asked about */
    struct front_watch watches[FRONT_WATCHES];
    size_t n_watches;
    struct front_question *looks; /* under way, with a deadline */
    size_t n_looks;
    int64_t threads_at; /* when to try again to start one; 0: no need */
    size_t look_bytes;  /* of devices, from the question to the look's end */
    bool woken;         /* to_server is to be run again */
};

/* What the pipes call, with the desk as opaque. */
extern const struct front_pipe_calls front_desk_calls;   /* of to_server */
extern const struct front_pipe_calls front_desk_replies; /* of to_client */

/* Takes what the agent has answered, and lets go what has waited too long. */
void front_desk_settle(struct front_desk *desk, int64_t now_ms);

/* When front_desk_settle() is to be called at the latest, whatever
 * front_asker_fd() says; 0: no need. */
int64_t front_desk_deadline(const struct front_desk *desk);

/* The client hears nothing any more. */
void front_desk_deafen(struct front_desk *desk);

/* Nothing goes on any more. As long as devices are asked about, settle; then
 * the agent has its look at each domain whose reply did not come, or whose call
 * did not even go on; and then settle until there are no looks. */
void front_desk_look_at_all(struct front_desk *desk);
/* What is left then. */
void front_desk_clear(struct front_desk *desk);

#endif
