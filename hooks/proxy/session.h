/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/session.h - what becomes of each packet of a connection
 *
 * It stands between the two pipes of a relay. Everything passes, but for
 *   - CONNECT_OPEN, which tells whether the client may do more than read, and
 *     which goes on alone: the next one waits for its reply;
 *   - then calls that carry XML of remora's (calls.h, ../wire/sieve.h): the
 *     agent is asked, and they go on as it says, or are refused;
 *   - replies to calls that changed a domain's devices: the agent has its look
 *     at the domain first, as long as that takes PROXY_NOTICE_MS at most. It is
 *     told which attach that ends, and so it is where an attach that it allowed
 *     does not get to libvirtd. Where nobody knows whether libvirtd is done with
 *     it, the agent only notices.
 *
 * Limits: PROXY_HELD_CALLS calls at once, PROXY_HELD_BYTES of them in all (one
 *         alone may have any length that libvirt allows); PROXY_AWAITED_MAX of them
 *         and of those that await their reply or notice; then the client's
 *         next such call waits. Refusals that the client does not read count
 *         as calls.
 * One thread, but for the threads's.
 */
#ifndef REMORA_HOOKS_PROXY_SESSION_H
#define REMORA_HOOKS_PROXY_SESSION_H

#include "hooks/proxy/pipe.h"
#include "hooks/proxy/threads.h"

/* As many as libvirtd works on at once for a client. */
#define PROXY_HELD_CALLS  5u
#define PROXY_HELD_BYTES  (16u * 1024u * 1024u)
#define PROXY_AWAITED_MAX 32u
#define PROXY_NOTICE_MS   5000
/* CONNECT_OPEN with a longer name is taken to ask for everything. */
#define PROXY_OPEN_MAX (64u * 1024u)

/* How long to wait before trying again to start a thread for a look. */
#define PROXY_THREAD_MS 100

/* A call that went on, whose reply is waited for. */
struct proxy_awaited {
    uint32_t procedure;
    uint32_t serial;
    const struct proxy_packet *waits; /* until it begins to go out */
    struct proxy_question *notice;    /* that follows */
};

struct proxy_session {
    struct proxy_pipe *to_server;
    struct proxy_pipe *to_client;
    struct proxy_threads *threads;
    bool open;    /* the client may do more than read */
    bool opening; /* a CONNECT_OPEN is under way */
    bool open_rw; /* and asks for that */
    uint32_t open_serial;
    size_t n_held;
    size_t held_bytes;
    size_t n_refusals;  /* that do not go out yet */
    size_t n_attaching; /* devices that the agent is asked about */
    struct proxy_awaited awaited[PROXY_AWAITED_MAX];
    size_t n_awaited;
    struct proxy_question *notices; /* under way, with a deadline */
    size_t n_notices;
    int64_t threads_at;  /* when to try again to start one; 0: no need */
    size_t notice_bytes; /* of devices, from the question to the look's end */
    bool woken;          /* to_server is to be run again */
};

/* What the pipes call, with the session as opaque. */
extern const struct proxy_pipe_calls proxy_session_calls;   /* of to_server */
extern const struct proxy_pipe_calls proxy_session_replies; /* of to_client */

/* Takes what the agent has answered, and lets go what has waited too long. */
void proxy_session_settle(struct proxy_session *session, int64_t now_ms);

/* When proxy_session_settle() is to be called at the latest, whatever
 * proxy_threads_fd() says; 0: no need. */
int64_t proxy_session_deadline(const struct proxy_session *session);

/* The client hears nothing any more. */
void proxy_session_deafen(struct proxy_session *session);

/* Nothing goes on any more. As long as devices are asked about, settle; then
 * the agent has its look at each domain whose reply did not come, or whose call
 * did not even go on; and then settle until there are no notices. */
void proxy_session_notify_all(struct proxy_session *session);
/* What is left then. */
void proxy_session_clear(struct proxy_session *session);

#endif
