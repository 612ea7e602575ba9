/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/wire.h - what hook, proxy and agent say to each other
 *
 * A stream socket (REMORA_RUNDIR/hook.sock) carries one exchange:
 *
 *     agent   struct wire_greeting                   as soon as it accepts
 *     hook    struct wire_request, name, body
 *     agent   struct wire_answer, message, output
 *
 * and a datagram socket (REMORA_RUNDIR/notify.sock) carries one
 * wire_request with name and body, to which nobody answers. Both ends are on
 * one host, so numbers are in the host's byte order. Strings travel with
 * their length and without a NUL.
 *
 * The proxy has a socket of its own (REMORA_RUNDIR/proxy.sock), and one
 * exchange a connection, too:
 *
 *     proxy   struct wire_client                     while it is root
 *     agent   struct wire_greeting
 *     relay   struct wire_request, name, body        as its client's user
 *     agent   struct wire_answer, message, output
 *
 * Walls:    libc only; hook, proxy and agent link it.
 * Versions: a reader refuses another magic or version; the hook's answer to
 *           an agent of another version is remorad --one-shot.
 */
#ifndef REMORA_HOOKS_WIRE_WIRE_H
#define REMORA_HOOKS_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MAGIC   0x41524d52u /* "RMRA" */
#define WIRE_VERSION 1u

#define WIRE_HOOK_SOCKET   "hook.sock"
#define WIRE_NOTIFY_SOCKET "notify.sock"
#define WIRE_PROXY_SOCKET  "proxy.sock"

/* Limits; one byte more is refused. */
#define WIRE_NAME_MAX        1024u                /* a domain's name */
#define WIRE_BODY_MAX        (4u * 1024u * 1024u) /* domain XML */
#define WIRE_MESSAGE_MAX     2048u /* one line for the operator */
#define WIRE_OUTPUT_MAX      (8u * 1024u * 1024u)
#define WIRE_DATAGRAM_MAX    (128u * 1024u) /* header, name and body */
#define WIRE_DEADLINE_CAP_MS 60000u         /* whatever the greeting says */

enum wire_op {
    WIRE_PREPARE = 1, /* body: domain XML; verdict decides the start */
    WIRE_MIGRATE = 2, /* body: domain XML; output: new XML, empty: as it is */
    WIRE_RESTORE = 3, /* the same */
    WIRE_STARTED = 4, /* datagram; body: domain XML, or empty if too long */
    WIRE_STOPPED = 5, /* datagram, the same */
    WIRE_RELEASE = 6, /* datagram, the same */
    WIRE_STATUS = 7,  /* no name, no body; output: JSON */

    /* Of the proxy; output: new XML, empty: as it is. */
    WIRE_PROXY_DEFINE = 16, /* no name; body: domain XML */
    WIRE_PROXY_MOVE = 17,   /* no name; body: domain XML from elsewhere */
    /* name: the domain's UUID; body: XML of a device. */
    WIRE_PROXY_ATTACH_LIVE = 18, /* and its disk is made ready */
    WIRE_PROXY_DEVICE = 19,      /* to be stored */
    /* A call that may have changed the domain is over. body: the device whose
     * attach or copy that ends, well or not; empty: none ends. No output. */
    WIRE_PROXY_CALL_ENDED = 20,
    /* name and body as for a device: another form of one that the domain has. */
    WIRE_PROXY_UPDATE = 21,
    /* The same: what a disk is copied to, which has to be there. */
    WIRE_PROXY_COPY = 22,
    /* name: as above; body: a line for each disk that is to be copied, where there is
     * a choice: '+' and its name; then '-', and the domain XML for where the domain
     * goes, if that is not what it has here. No output. */
    WIRE_PROXY_MOVE_DISKS = 23, /* it moves, and its disks are copied */
};

enum wire_verdict {
    WIRE_ALLOW = 0,
    WIRE_REFUSE = 1, /* message says why and what to do */
    WIRE_BUSY = 2,   /* of the proxy's requests: the same later; message, too */
};

struct wire_greeting {
    uint32_t magic;
    uint32_t version;
    uint32_t deadline_ms; /* how long the hook may wait for the answer */
    uint32_t reserved;    /* 0 */
};

/* For whom a connection will ask. Only root can connect, so it is true. */
struct wire_client {
    uint32_t magic;
    uint32_t version;
    uint32_t uid;
    uint32_t gid;
    uint32_t pid;
    uint32_t reserved; /* 0 */
};

struct wire_request {
    uint32_t magic;
    uint32_t version;
    uint32_t op; /* enum wire_op */
    uint32_t name_len;
    uint32_t body_len;
    uint32_t reserved; /* 0 */
};

struct wire_answer {
    uint32_t magic;
    uint32_t version;
    uint32_t verdict; /* enum wire_verdict */
    uint32_t message_len;
    uint32_t output_len;
    uint32_t reserved; /* 0 */
};

/* Whether the operation is one of the proxy's. */
bool wire_op_is_proxy(enum wire_op op);

/* Fill in magic and version; lengths must be inside the limits. */
void wire_client_init(struct wire_client *client,
                      uint32_t uid,
                      uint32_t gid,
                      uint32_t pid);
void wire_greeting_init(struct wire_greeting *greeting, uint32_t deadline_ms);
void wire_request_init(struct wire_request *request,
                       enum wire_op op,
                       size_t name_len,
                       size_t body_len);
void wire_answer_init(struct wire_answer *answer,
                      enum wire_verdict verdict,
                      size_t message_len,
                      size_t output_len);

/* Whether what was read is of this protocol and inside its limits. Returns
 * NULL if so, else the reason as a constant string. */
const char *wire_greeting_check(const struct wire_greeting *greeting);
const char *wire_client_check(const struct wire_client *client);
const char *wire_request_check(const struct wire_request *request);
const char *wire_answer_check(const struct wire_answer *answer);

#endif
