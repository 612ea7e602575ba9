/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/front-broker.c - how a relay gets its connections to the agent
 */
#include "config.h"

#include "hooks/front-broker.h"

#include "hooks/front-socket.h"
#include "hooks/hook-io.h"
#include "hooks/hook-socket.h"
#include "hooks/wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

int
front_broker_pair(int *ret_parent, int *ret_relay)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return -1;
    *ret_parent = fds[0];
    *ret_relay = fds[1];
    return 0;
}

/* ---- parent ---------------------------------------------------------------- */

enum front_broker_wish
front_broker_listen(int parent)
{
    char byte = 0;
    ssize_t got = recv(parent, &byte, 1, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return FRONT_BROKER_QUIET;
    return got == 1 && byte == FRONT_BROKER_ASK ? FRONT_BROKER_ASKED
                                                : FRONT_BROKER_OVER;
}

/* A connection that says for whom it is; -1: nobody is there for it. */
static int
connect_for(const char *path, uid_t uid, gid_t gid, pid_t pid)
{
    hook_autoclose int fd = hook_socket(SOCK_STREAM);
    struct wire_client client;
    int connected;

    wire_client_init(&client, uid, gid, (uint32_t)pid);
    if (fd < 0 || hook_socket_connect(fd, path) != 0)
        return -1;
    /* It always fits into the buffer of a new connection. */
    if (front_socket_send(fd, &client, sizeof(client), -1) != sizeof(client))
        return -1;
    connected = fd;
    fd = -1;
    return connected;
}

static bool
tell(int parent, enum front_broker what, int fd)
{
    char byte = (char)what;

    return front_socket_send(parent, &byte, 1, fd) == 1;
}

bool
front_broker_give(int parent, const char *path, uid_t uid, gid_t gid, pid_t pid)
{
    hook_autoclose int fd = connect_for(path, uid, gid, pid);

    if (fd < 0)
        return tell(parent, FRONT_BROKER_NOBODY, -1);
    return tell(parent, FRONT_BROKER_HERE, fd);
}

bool
front_broker_deny(int parent, enum front_broker why)
{
    return tell(parent, why, -1);
}

/* ---- relay ----------------------------------------------------------------- */

static bool
wait_for(int relay, int64_t deadline)
{
    struct pollfd entry = {.fd = relay, .events = POLLIN};

    for (;;) {
        int64_t left = deadline - hook_clock_ms();

        if (left <= 0)
            return false;
        if (poll(&entry, 1, (int)left) > 0)
            return true;
    }
}

enum front_broker
front_broker_ask(int relay, int64_t deadline, int *ret_fd)
{
    char byte = FRONT_BROKER_ASK;
    int fds[FRONT_FDS_MAX];
    size_t n = 0;
    ssize_t got;

    if (front_socket_send(relay, &byte, 1, -1) != 1)
        return FRONT_BROKER_LOST;
    /* An answer that comes later serves the next one who asks. */
    if (!wait_for(relay, deadline))
        return FRONT_BROKER_NOBODY;
    got = front_socket_receive(relay, &byte, 1, fds, &n);
    if (got == 1 && byte == FRONT_BROKER_HERE && n == 1) {
        *ret_fd = fds[0];
        return FRONT_BROKER_HERE;
    }
    front_socket_close_all(fds, n);
    if (got == 1 && n == 0 &&
        (byte == FRONT_BROKER_NOBODY || byte == FRONT_BROKER_OFTEN))
        return (enum front_broker)byte;
    return FRONT_BROKER_LOST;
}
