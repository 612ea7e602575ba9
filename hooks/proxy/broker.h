/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/broker.h - how a relay gets its connections to the agent
 *
 * The agent's proxy.sock is for root only, and a relay is not root any more. So
 * the proxy's parent connects, says for which client, and hands the connection
 * over. Over a socketpair of SOCK_SEQPACKET between the two:
 *
 *     relay   PROXY_BROKER_ASK, and a number
 *     parent  enum proxy_broker, that number, and the connection, if any
 *
 * each a byte. The number tells an answer that the relay no longer waited for
 * from the one that it waits for.
 *
 * The parent never blocks. A relay to which an answer cannot be sent at once
 * gets none any more. A question is ignored while the relay's last answer is
 * unread: the connection in that is a descriptor of root's under way, and the
 * kernel limits those. Needs SIGPIPE ignored.
 */
#ifndef REMORA_HOOKS_PROXY_BROKER_H
#define REMORA_HOOKS_PROXY_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROXY_BROKER_ASK 'a'

enum proxy_broker {
    PROXY_BROKER_HERE = 'h',
    PROXY_BROKER_NOBODY = 'n', /* nobody listens, or his queue is full */
    PROXY_BROKER_OFTEN = 'o',  /* the user asks too often */
    PROXY_BROKER_LOST = 'l',   /* the other end is gone; not on the wire */
};

/* Both ends, close-on-exec; -1 and errno. */
int proxy_broker_pair(int *ret_parent, int *ret_relay);

/* ---- parent ---------------------------------------------------------------- */

enum proxy_broker_wish {
    PROXY_BROKER_ASKED,
    PROXY_BROKER_QUIET, /* it asks for nothing, or has to read first */
    PROXY_BROKER_OVER,  /* the relay is gone, or does not know the protocol */
};

/* PROXY_BROKER_ASKED: *ret_number is for the answer. */
enum proxy_broker_wish proxy_broker_listen(int parent, uint8_t *ret_number);

/* Connects to the agent at path for this client, and hands that over: what the
 * relay was told, or PROXY_BROKER_LOST where it cannot be told. */
enum proxy_broker proxy_broker_give(int parent,
                                    uint8_t number,
                                    const char *path,
                                    uid_t uid,
                                    gid_t gid,
                                    pid_t pid);
/* Tells why there is no connection. false: the relay cannot be told. */
bool proxy_broker_deny(int parent, uint8_t number, enum proxy_broker why);

/* ---- relay ----------------------------------------------------------------- */

/* Asks for a connection, and waits until the deadline (wire_clock_ms()). The
 * number is another one than the last time. One thread at a time.
 * PROXY_BROKER_HERE: *ret_fd is the caller's. */
enum proxy_broker
proxy_broker_ask(int relay, uint8_t number, int64_t deadline, int *ret_fd);

#endif
