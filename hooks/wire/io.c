/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/io.c - reading and writing in full, never past a deadline
 */
#include "config.h"

#include "hooks/wire/io.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

int64_t
wire_clock_ms(void)
{
    struct timespec now;

    /* It cannot fail: the clock is there and the pointer is good. */
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The clock is read before the descriptor: a peer that always has one more byte
 * must not move the deadline. */
enum wire_io
wire_wait(int fd, short events, int64_t deadline)
{
    struct pollfd entry = {.fd = fd, .events = events};

    for (;;) {
        int64_t left = deadline - wire_clock_ms();
        int ready;

        if (left <= 0)
            return WIRE_IO_LATE;
        ready = poll(&entry, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (ready > 0)
            return WIRE_IO_DONE;
        if (ready < 0 && errno != EINTR)
            return WIRE_IO_FAILED;
    }
}

/* What a failed read() or write() means; WIRE_IO_DONE: try again. */
static enum wire_io
meaning_of(int error)
{
    switch (error) {
    case EINTR:
    case EAGAIN:
        return WIRE_IO_DONE;
    case ECONNRESET:
    case EPIPE:
        return WIRE_IO_END;
    default:
        return WIRE_IO_FAILED;
    }
}

/* Reads what there is, at least one byte. */
static enum wire_io
read_some(int fd, void *buffer, size_t len, int64_t deadline, size_t *ret_got)
{
    for (;;) {
        enum wire_io result = wire_wait(fd, POLLIN, deadline);
        ssize_t got;

        if (result != WIRE_IO_DONE)
            return result;
        got = read(fd, buffer, len);
        if (got > 0) {
            *ret_got = (size_t)got;
            return WIRE_IO_DONE;
        }
        if (got == 0)
            return WIRE_IO_END;
        result = meaning_of(errno);
        if (result != WIRE_IO_DONE)
            return result;
    }
}

enum wire_io
wire_read(int fd, void *buffer, size_t len, int64_t deadline)
{
    char *at = buffer;

    while (len > 0) {
        size_t got = 0;
        enum wire_io result = read_some(fd, at, len, deadline, &got);

        if (result != WIRE_IO_DONE)
            return result;
        at += got;
        len -= got;
    }
    return WIRE_IO_DONE;
}

enum wire_io
wire_read_to_end(
    int fd, void *buffer, size_t limit, int64_t deadline, size_t *ret_len)
{
    char *at = buffer;
    size_t len = 0;

    for (;;) {
        /* Behind the limit there must be nothing but the end. */
        char beyond;
        bool full = len == limit;
        size_t got = 0;
        enum wire_io result = read_some(fd, full ? &beyond : at + len,
                                        full ? 1 : limit - len, deadline, &got);

        if (result == WIRE_IO_END) {
            *ret_len = len;
            return WIRE_IO_DONE;
        }
        if (result != WIRE_IO_DONE)
            return result;
        if (full)
            return WIRE_IO_LONG;
        len += got;
    }
}

/* Writes what goes without waiting. A pipe that poll() calls writable takes
 * PIPE_BUF bytes without making anybody wait, and not one more. */
static ssize_t
write_some(int fd, const void *buffer, size_t len)
{
    ssize_t put = send(fd, buffer, len, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (put >= 0 || errno != ENOTSOCK)
        return put;
    return write(fd, buffer, len < PIPE_BUF ? len : PIPE_BUF);
}

enum wire_io
wire_write(int fd, const void *buffer, size_t len, int64_t deadline)
{
    const char *at = buffer;

    while (len > 0) {
        enum wire_io result = wire_wait(fd, POLLOUT, deadline);
        ssize_t put;

        if (result != WIRE_IO_DONE)
            return result;
        put = write_some(fd, at, len);
        if (put < 0) {
            result = meaning_of(errno);
            if (result != WIRE_IO_DONE)
                return result;
            continue;
        }
        at += put;
        len -= (size_t)put;
    }
    return WIRE_IO_DONE;
}

void
wire_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

void
wire_free(void *pointer)
{
    free(*(void **)pointer);
}
