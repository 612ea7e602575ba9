/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/greet.c - do the monitors live, although they do not answer?
 *
 * Monitors that elect a leader answer no command, for 10 s and more; monitors
 * that are gone answer none either. What tells them apart without librados: a
 * monitor that lives greets whoever connects, whether it has a quorum or not.
 */
#include "config.h"

#include "agent/rbd/conn/greet.h"

#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Both protocols begin so, with the version behind it. */
#define GREETING "ceph v"

void
store_monitor_free(StoreMonitor *monitor)
{
    if (!monitor)
        return;
    g_free(monitor->host);
    g_free(monitor->port);
    g_free(monitor);
}

/* A connection under way; -1: none. That it cannot be made shows in poll(). */
static int
begin(const StoreMonitor *monitor)
{
    const struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
        .ai_socktype = SOCK_STREAM,
    };
    struct addrinfo *found = NULL;
    int fd = -1;

    if (getaddrinfo(monitor->host, monitor->port, &hints, &found) != 0)
        return -1;
    fd =
        socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        (void)connect(fd, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return fd;
}

/* It is sent in one piece, and before anything else. */
static bool
has_greeted(int fd)
{
    char text[sizeof(GREETING) - 1];

    return recv(fd, text, sizeof(text), MSG_DONTWAIT) == sizeof(text) &&
           memcmp(text, GREETING, sizeof(text)) == 0;
}

/* Takes what has come out of the list, and returns how many greeted. */
static guint
collect(struct pollfd *pollers, guint n, guint *open)
{
    guint greeted = 0;

    for (guint i = 0; i < n; i++) {
        if (pollers[i].fd < 0 || !pollers[i].revents)
            continue;
        greeted += has_greeted(pollers[i].fd);
        (void)close(pollers[i].fd);
        pollers[i].fd = -1;
        (*open)--;
    }
    return greeted;
}

static guint
count_greetings(struct pollfd *pollers, guint n, guint timeout_ms)
{
    gint64 end = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    guint open = n;
    guint greeted = 0;

    while (open > 0) {
        gint64 left = (end - g_get_monotonic_time()) / 1000;

        if (left <= 0)
            break;
        /* A signal only makes it look once more. */
        if (poll(pollers, n, (int)left) > 0)
            greeted += collect(pollers, n, &open);
    }
    return greeted;
}

bool
store_monitors_greet(const GPtrArray *monitors, guint timeout_ms)
{
    g_autofree struct pollfd *pollers = g_new0(struct pollfd, monitors->len);
    guint all = 0;
    guint n = 0;
    guint greeted;

    for (guint i = 0; i < monitors->len; i++) {
        const StoreMonitor *monitor = g_ptr_array_index(monitors, i);
        int fd;

        if (monitor->other)
            continue;
        all++;
        fd = begin(monitor);
        if (fd >= 0)
            pollers[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    greeted = count_greetings(pollers, n, timeout_ms);
    for (guint i = 0; i < n; i++)
        if (pollers[i].fd >= 0)
            (void)close(pollers[i].fd);
    return greeted > all / 2;
}
