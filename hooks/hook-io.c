/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/hook-io.c - whole reads and writes that end at a deadline
 */
#include "config.h"

#include "hooks/hook-io.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* Most domains fit; larger ones grow by doubling. */
#define FIRST_ROOM 16384u

int64_t
hook_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum hook_io
wait_for(int fd, short events, int64_t deadline)
{
    struct pollfd poller = {.fd = fd, .events = events};

    for (;;) {
        int64_t left = deadline - hook_now();
        int r;

        if (left <= 0)
            return HOOK_IO_LATE;
        r = poll(&poller, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (r > 0)
            return HOOK_IO_DONE;
        if (r < 0 && errno != EINTR)
            return HOOK_IO_FAILED;
    }
}

/* What an error of recv() or send() means: HOOK_IO_DONE, try again. */
static enum hook_io
after_error(int fd, short events, int64_t deadline)
{
    switch (errno) {
    case EINTR:
        return HOOK_IO_DONE;
    case EAGAIN:
        return wait_for(fd, events, deadline);
    case ECONNRESET:
    case EPIPE:
        return HOOK_IO_ENDED;
    default:
        return HOOK_IO_FAILED;
    }
}

enum hook_io
hook_read(int fd, void *buffer, size_t len, int64_t deadline)
{
    char *at = buffer;

    while (len > 0) {
        ssize_t got = recv(fd, at, len, MSG_DONTWAIT);
        enum hook_io state;

        if (got == 0)
            return HOOK_IO_ENDED;
        if (got > 0) {
            at += got;
            len -= (size_t)got;
            continue;
        }
        state = after_error(fd, POLLIN, deadline);
        if (state != HOOK_IO_DONE)
            return state;
    }
    return HOOK_IO_DONE;
}

enum hook_io
hook_write(int fd, const void *buffer, size_t len, int64_t deadline)
{
    const char *at = buffer;

    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        enum hook_io state;

        if (sent >= 0) {
            at += sent;
            len -= (size_t)sent;
            continue;
        }
        state = after_error(fd, POLLOUT, deadline);
        if (state != HOOK_IO_DONE)
            return state;
    }
    return HOOK_IO_DONE;
}

/* Room for one byte more than max: that byte tells too long from just full. */
static bool
make_room(char **text, size_t *room, size_t len, size_t max)
{
    size_t wanted = *room ? *room * 2 : FIRST_ROOM;
    char *larger;

    if (len + 1 < *room)
        return true;
    if (wanted > max + 2)
        wanted = max + 2;
    larger = realloc(*text, wanted);
    if (!larger)
        return false;
    *text = larger;
    *room = wanted;
    return true;
}

enum hook_io
hook_read_end(int fd, size_t max, char **ret_text, size_t *ret_len)
{
    char *text = NULL;
    size_t room = 0;
    size_t len = 0;

    while (make_room(&text, &room, len, max)) {
        ssize_t got = read(fd, text + len, room - len - 1);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        len += (size_t)got;
        if (got == 0) {
            text[len] = '\0';
            *ret_text = text;
            *ret_len = len;
            return HOOK_IO_DONE;
        }
        if (len > max) {
            errno = EFBIG;
            break;
        }
    }
    free(text);
    return HOOK_IO_FAILED;
}

enum hook_io
hook_write_file(int fd, const void *buffer, size_t len)
{
    const char *at = buffer;

    while (len > 0) {
        ssize_t sent = write(fd, at, len);

        if (sent < 0 && errno != EINTR)
            return HOOK_IO_FAILED;
        if (sent > 0) {
            at += sent;
            len -= (size_t)sent;
        }
    }
    return HOOK_IO_DONE;
}
