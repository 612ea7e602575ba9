/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/sockets.c - unix sockets for root alone
 */
#include "config.h"

#include "agent/sockets.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
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
address_of(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    return g_strlcpy(address->sun_path, path, sizeof(address->sun_path)) <
           sizeof(address->sun_path);
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

    if (!address_of(path, &address)) {
        errno = ENAMETOOLONG;
        return fail(error, "listen at", path);
    }
    fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
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

static bool
transfer(int fd, void *buffer, gsize len, bool out)
{
    char *at = buffer;

    while (len > 0) {
        gssize n = out ? send(fd, at, len, MSG_NOSIGNAL) : recv(fd, at, len, 0);

        if (n > 0) {
            at += n;
            len -= (gsize)n;
        } else if (n == 0) {
            errno = ECONNRESET;
            return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* NULL: it refused, with error set, or there is no answer. */
static GBytes *
exchange(int fd, enum wire_op op, GError **error)
{
    struct wire_greeting greeting;
    struct wire_request request;
    struct wire_answer answer;
    g_autofree char *text = NULL;
    gsize len;

    wire_request_init(&request, op, 0, 0);
    if (!transfer(fd, &greeting, sizeof(greeting), false) ||
        wire_greeting_check(&greeting) ||
        !transfer(fd, &request, sizeof(request), true) ||
        !transfer(fd, &answer, sizeof(answer), false) ||
        wire_answer_check(&answer))
        return NULL;
    len = answer.message_len + answer.output_len;
    text = g_malloc(len + 1);
    if (!transfer(fd, text, len, false))
        return NULL;
    if (answer.verdict != WIRE_ALLOW) {
        text[answer.message_len] = '\0';
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, text);
        return NULL;
    }
    return g_bytes_new(text + answer.message_len, answer.output_len);
}

static int
connect_to(const char *path, guint timeout_ms)
{
    struct sockaddr_un address;
    struct timeval limit = {.tv_sec = timeout_ms / 1000,
                            .tv_usec = (timeout_ms % 1000) * 1000};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (address_of(path, &address) &&
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

GBytes *
sockets_ask(const char *dir, enum wire_op op, guint timeout_ms, GError **error)
{
    g_autofree char *path = g_build_filename(dir, WIRE_HOOK_SOCKET, NULL);
    int fd = connect_to(path, timeout_ms);
    g_autoptr(GError) refused = NULL;
    GBytes *output;

    if (fd < 0) {
        (void)fail(error, "connect to", path);
        return NULL;
    }
    output = exchange(fd, op, &refused);
    if (refused)
        g_propagate_error(error, g_steal_pointer(&refused));
    else if (!output)
        (void)fail(error, "get an answer from", path);
    (void)close(fd);
    return output;
}
