/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/serve/sockets.c - unix sockets for root alone
 */
#include "config.h"

#include "agent/serve/sockets.h"

#include "hooks/wire/client.h"
#include "hooks/wire/io.h"
#include "hooks/wire/socket.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A host that starts dozens of domains at once. */
#define BACKLOG 128
/* Reports of many domains that end at once wait here. */
#define NOTIFY_BUFFER (4 * 1024 * 1024)

static int
fail(GError **error, const char *what, const char *path)
{
    int number = errno;

    g_set_error(error, G_IO_ERROR, (gint)g_io_error_from_errno(number),
                "cannot %s '%s': %s", what, path, g_strerror(number));
    return -1;
}

static bool
bind_for_root(int fd, const struct sockaddr_un *address)
{
    mode_t old = umask(0177);
    int r = bind(fd, (const struct sockaddr *)address, sizeof(*address));

    (void)umask(old);
    return r == 0;
}

int
sockets_listen(const char *path, int type, GError **error)
{
    struct sockaddr_un address;
    int fd;

    if (!wire_socket_address(&address, path)) {
        errno = ENAMETOOLONG;
        return fail(error, "listen at", path);
    }
    fd = wire_socket(type);
    if (fd < 0)
        return fail(error, "make a socket for", path);
    (void)unlink(path);
    if (!bind_for_root(fd, &address) ||
        (type == SOCK_STREAM && listen(fd, BACKLOG) != 0)) {
        (void)fail(error, "listen at", path);
        (void)close(fd);
        return -1;
    }
    if (type == SOCK_DGRAM) {
        int size = NOTIFY_BUFFER;

        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    }
    return fd;
}

static bool
may_ask(int fd, bool root_alone)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == 0 || (!root_alone && peer.uid == geteuid()));
}

int
sockets_accept(int fd, bool root_alone)
{
    for (;;) {
        int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

        if (peer >= 0 && may_ask(peer, root_alone))
            return peer;
        if (peer >= 0)
            (void)close(peer);
        else if (errno != EINTR && errno != ECONNABORTED)
            return -1;
    }
}

static bool
parse_notice(const char *buffer, gsize got, SocketsNotice *notice)
{
    struct wire_request request;
    const char *name = buffer + sizeof(request);

    if (got < sizeof(request))
        return false;
    memcpy(&request, buffer, sizeof(request));
    if (wire_request_check(&request) ||
        got != sizeof(request) + request.name_len + request.body_len ||
        memchr(name, '\0', got - sizeof(request)) != NULL)
        return false;
    *notice = (SocketsNotice){
        .op = (enum wire_op)request.op,
        .name = g_strndup(name, request.name_len),
        .body = g_strndup(name + request.name_len, request.body_len),
        .len = request.body_len,
    };
    return true;
}

bool
sockets_receive(int fd, SocketsNotice *ret_notice)
{
    g_autofree char *buffer = g_malloc(WIRE_DATAGRAM_MAX + 1);

    for (;;) {
        gssize got = recv(fd, buffer, WIRE_DATAGRAM_MAX + 1, MSG_DONTWAIT);

        if (got < 0 && errno != EINTR)
            return false;
        if (got >= 0 && got <= (gssize)WIRE_DATAGRAM_MAX &&
            parse_notice(buffer, (gsize)got, ret_notice))
            return true;
    }
}

/* ---- the other end, for the command line ----------------------------------- */

/* With errno. */
static int
connect_to(const char *path, guint timeout_ms)
{
    int fd = wire_socket_patient(timeout_ms);

    if (fd < 0)
        return -1;
    errno = wire_socket_connect(fd, path);
    if (errno == 0)
        return fd;
    wire_close(&fd);
    return -1;
}

/* Without a request's name and body. NULL: it refused, or did not answer. */
static GBytes *
exchange(int fd, enum wire_op op, guint timeout_ms, GError **error)
{
    const struct wire_domain none = {.name = "", .xml = ""};
    struct wire_error failed = {
        "the agent (remorad) gave no answer, or is of another version"};
    struct wire_reply reply = {0};
    GBytes *output = NULL;

    if (wire_ask_on(fd, op, &none, wire_clock_ms() + timeout_ms, &reply,
                    &failed) != WIRE_ANSWERED)
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, failed.line);
    else if (reply.verdict != WIRE_ALLOW)
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%.*s",
                    (int)reply.message_len, reply.message ? reply.message : "");
    else
        output = g_bytes_new(reply.output, reply.output_len);
    wire_reply_clear(&reply);
    return output;
}

GBytes *
sockets_ask(const char *dir, enum wire_op op, guint timeout_ms, GError **error)
{
    g_autofree char *path = g_build_filename(dir, WIRE_HOOK_SOCKET, NULL);
    wire_autoclose int fd = connect_to(path, timeout_ms);

    if (fd >= 0)
        return exchange(fd, op, timeout_ms, error);
    (void)fail(error, "connect to", path);
    return NULL;
}
