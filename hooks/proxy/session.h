/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/session.h - what becomes of each packet of a connection
 *
 * A relay has one session, which decides about the packets of its two pipes.
 * All of them pass, but for
 *   - CONNECT_OPEN, which tells whether the client may do more than read. It
 *     goes on alone: a second one waits until the first is answered;
 *   - calls with XML that is remora's business (calls.h, ../wire/sieve.h), once
 *     the connection is open for more than reading. The agent is asked about
 *     each, and it goes on as the agent says, or is refused;
 *   - replies to calls that changed a domain's devices. They wait until the
 *     agent has the notice that the call has ended, PROXY_NOTICE_MS at most.
 *     The notice names the device whose attach that ends, also if the agent
 *     allowed the attach and it never got to libvirtd. Where nobody knows
 *     whether libvirtd is done with it, the notice names no device.
 *
 * Limits:  PROXY_HELD_CALLS calls at once, of PROXY_HELD_BYTES together (one
 *          alone may be as long as libvirt allows), and PROXY_AWAITED_MAX of
 *          them with those whose reply or notice is still to come; then the
 *          client's next such call waits. A refusal that the client does not
 *          read counts as a call.
 * Threads: one, the relay's loop.
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

struct proxy_session;

/* What the pipes call, with the session as opaque. */
extern const struct proxy_pipe_calls proxy_session_calls;   /* of to_server */
extern const struct proxy_pipe_calls proxy_session_replies; /* of to_client */

/* Between these pipes, which the caller initialises; all three stay the
 * caller's. NULL: no memory. */
struct proxy_session *proxy_session_new(struct proxy_pipe *to_server,
                                        struct proxy_pipe *to_client,
                                        struct proxy_threads *threads);
/* Drops whatever is under way. */
void proxy_session_free(struct proxy_session *session);

/* Takes what the agent has answered, and lets go what has waited too long. */
void proxy_session_settle(struct proxy_session *session, int64_t now_ms);

/* When proxy_session_settle() is to be called at the latest, whatever
 * proxy_threads_fd() says; 0: no need. */
int64_t proxy_session_deadline(const struct proxy_session *session);

/* Whether to_server can go on that had to wait; says so once. */
bool proxy_session_woke(struct proxy_session *session);

/* The client hears nothing any more. */
void proxy_session_deafen(struct proxy_session *session);

/*
 * The end, when nothing passes any more: settle while the agent is asked about
 * devices. Then start the notices of all calls whose reply did not come, and of
 * those that did not even go on; and settle until all are sent.
 */
bool proxy_session_asks_about_devices(const struct proxy_session *session);
void proxy_session_notify_all(struct proxy_session *session);
bool proxy_session_has_notices(const struct proxy_session *session);

#endif
