/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/broker.c - how a relay gets its connections to the agent
 */
#include "config.h"

#include "hooks/proxy/broker.h"

#include "hooks/proxy/socket.h"
#include "hooks/wire/io.h"
#include "hooks/wire/socket.h"
#include "hooks/wire/wire.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The length of each message. */
#define MESSAGE 2

int
proxy_broker_pair(int *ret_parent, int *ret_relay)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return -1;
    *ret_parent = fds[0];
    *ret_relay = fds[1];
    return 0;
}

/* ---- parent ---------------------------------------------------------------- */

/* Whether the relay has read what it was told. */
static bool
has_read(int parent)
{
    int unread = 0;

    return ioctl(parent, SIOCOUTQ, &unread) < 0 || unread == 0;
}

enum proxy_broker_wish
proxy_broker_listen(int parent, uint8_t *ret_number)
{
    uint8_t ask[MESSAGE + 1];
    ssize_t got = recv(parent, ask, sizeof(ask), MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return PROXY_BROKER_QUIET;
    if (got != MESSAGE || ask[0] != PROXY_BROKER_ASK)
        return PROXY_BROKER_OVER;
    *ret_number = ask[1];
    return has_read(parent) ? PROXY_BROKER_ASKED : PROXY_BROKER_QUIET;
}

/* A connection that says for whom it is; -1: nobody is there for it. */
static int
connect_for(const char *path, uid_t uid, gid_t gid, pid_t pid)
{
    wire_autoclose int fd = wire_socket(SOCK_STREAM);
    struct wire_client client;
    int connected;

    wire_client_init(&client, uid, gid, (uint32_t)pid);
    if (fd < 0 || wire_socket_connect(fd, path) != 0)
        return -1;
    /* It always fits into the buffer of a new connection. */
    if (proxy_socket_send(fd, &client, sizeof(client), -1) != sizeof(client))
        return -1;
    connected = fd;
    fd = -1;
    return connected;
}

/* Not the relay's fault: it may still read. */
static bool
is_kernel_short(void)
{
    return errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM;
}

static bool
tell(int parent, uint8_t number, enum proxy_broker what, int fd)
{
    const uint8_t answer[MESSAGE] = {(uint8_t)what, number};

    return proxy_socket_send(parent, answer, sizeof(answer), fd) == MESSAGE;
}

bool
proxy_broker_deny(int parent, uint8_t number, enum proxy_broker why)
{
    /* A relay that gets no answer stops waiting, and asks again. */
    return tell(parent, number, why, -1) || is_kernel_short();
}

enum proxy_broker
proxy_broker_give(int parent,
                  uint8_t number,
                  const char *path,
                  uid_t uid,
                  gid_t gid,
                  pid_t pid)
{
    wire_autoclose int fd = connect_for(path, uid, gid, pid);

    if (fd >= 0 && tell(parent, number, PROXY_BROKER_HERE, fd))
        return PROXY_BROKER_HERE;
    if (fd >= 0 && !is_kernel_short())
        return PROXY_BROKER_LOST;
    return proxy_broker_deny(parent, number, PROXY_BROKER_NOBODY)
               ? PROXY_BROKER_NOBODY
               : PROXY_BROKER_LOST;
}

/* ---- relay ----------------------------------------------------------------- */

static bool
ask(int relay, uint8_t number)
{
    const uint8_t bytes[MESSAGE] = {PROXY_BROKER_ASK, number};

    return proxy_socket_send(relay, bytes, sizeof(bytes), -1) == MESSAGE;
}

enum received {
    TAKEN,
    STALE,   /* an answer to an earlier ask */
    NOTHING, /* not yet */
    BROKEN,
};

static enum received
receive(int relay, uint8_t number, enum proxy_broker *ret_what, int *ret_fd)
{
    uint8_t answer[MESSAGE + 1];
    int fds[PROXY_FDS_MAX];
    size_t n = 0;
    ssize_t got = proxy_socket_receive(relay, answer, sizeof(answer), fds, &n);
    bool here = got == MESSAGE && answer[0] == PROXY_BROKER_HERE && n == 1;
    bool not_here =
        got == MESSAGE && n == 0 &&
        (answer[0] == PROXY_BROKER_NOBODY || answer[0] == PROXY_BROKER_OFTEN);

    if (got < 0 && errno == EAGAIN)
        return NOTHING;
    if ((here || not_here) && answer[1] == number) {
        *ret_what = (enum proxy_broker)answer[0];
        if (here)
            *ret_fd = fds[0];
        return TAKEN;
    }
    proxy_socket_close_all(fds, n);
    return here || not_here ? STALE : BROKEN;
}

/* Before a question nobody waits for an answer, so whatever is there comes too
 * late. */
static bool
clear_away(int relay)
{
    enum proxy_broker what;
    enum received received;
    int fd = -1;

    do {
        received = receive(relay, 0, &what, &fd);
        wire_close(&fd);
    } while (received == TAKEN || received == STALE);
    return received == NOTHING;
}

enum proxy_broker
proxy_broker_ask(int relay, uint8_t number, int64_t deadline, int *ret_fd)
{
    enum proxy_broker what = PROXY_BROKER_LOST;

    if (!clear_away(relay))
        return PROXY_BROKER_LOST;
    /* Nobody would wait for the answer. */
    if (wire_clock_ms() >= deadline)
        return PROXY_BROKER_NOBODY;
    if (!ask(relay, number))
        return PROXY_BROKER_LOST;
    while (wire_wait(relay, POLLIN, deadline) == WIRE_IO_DONE)
        switch (receive(relay, number, &what, ret_fd)) {
        case TAKEN:
            return what;
        case STALE:
            /* The parent may have ignored the question because this answer was
             * still unread. */
            if (!ask(relay, number))
                return PROXY_BROKER_LOST;
            break;
        case NOTHING:
            break;
        case BROKEN:
        default:
            return PROXY_BROKER_LOST;
        }
    return PROXY_BROKER_NOBODY;
}
