/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/broker.h - how a relay gets its connections to the agent
 *
 * The agent's front.sock is root's, and a relay no longer is. So the proxy's
 * parent connects, says for whom, and hands the connection over. Over a
 * socketpair of SOCK_SEQPACKET between the two:
 *
 *     relay   FRONT_BROKER_ASK, and a number
 *     parent  enum front_broker, that number, and the connection where there is
 *
 * each a byte. The number tells an answer that the relay no longer waited for
 * from the one that it waits for.
 *
 * The parent waits for nobody: what cannot be sent at once is a relay's end. It
 * looks away from whoever asks with an answer still unread, for the connections
 * in it are descriptors of root's that are under way, and those are limited.
 * Needs SIGPIPE ignored.
 */
#ifndef REMORA_HOOKS_PROXY_BROKER_H
#define REMORA_HOOKS_PROXY_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define FRONT_BROKER_ASK 'a'

enum front_broker {
    FRONT_BROKER_HERE = 'h',
    FRONT_BROKER_NOBODY = 'n', /* nobody listens, or his queue is full */
    FRONT_BROKER_OFTEN = 'o',  /* the user asks too often */
    FRONT_BROKER_LOST = 'l',   /* the other end is gone; not on the wire */
};

/* Both ends, close-on-exec; -1 and errno. */
int front_broker_pair(int *ret_parent, int *ret_relay);

/* ---- parent ---------------------------------------------------------------- */

enum front_broker_wish {
    FRONT_BROKER_ASKED,
    FRONT_BROKER_QUIET, /* it asks for nothing, or has to read first */
    FRONT_BROKER_OVER,  /* the relay is gone, or does not know the protocol */
};

/* FRONT_BROKER_ASKED: *ret_number is for the answer. */
enum front_broker_wish front_broker_listen(int parent, uint8_t *ret_number);

/* Connects to the agent at path for this client, and hands that over: what the
 * relay was told, or FRONT_BROKER_LOST where it cannot be told. */
enum front_broker front_broker_give(int parent,
                                    uint8_t number,
                                    const char *path,
                                    uid_t uid,
                                    gid_t gid,
                                    pid_t pid);
/* Tells why there is no connection. false: the relay cannot be told. */
bool front_broker_deny(int parent, uint8_t number, enum front_broker why);

/* ---- relay ----------------------------------------------------------------- */

/* Asks for a connection, and waits until the deadline (hook_clock_ms()). The
 * number is another one than the last time. One thread at a time.
 * FRONT_BROKER_HERE: *ret_fd is the caller's. */
enum front_broker
front_broker_ask(int relay, uint8_t number, int64_t deadline, int *ret_fd);

#endif
