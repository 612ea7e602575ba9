/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/io.h - reading and writing in full, never past a deadline
 *
 * A deadline is a moment of wire_clock_ms(). Any file descriptor will do,
 * blocking or not: none of these functions waits but for poll(). Writing to a
 * pipe, not to a socket, needs SIGPIPE ignored. Any thread may call them.
 */
#ifndef REMORA_HOOKS_WIRE_IO_H
#define REMORA_HOOKS_WIRE_IO_H

#include <stddef.h>
#include <stdint.h>

enum wire_io {
    WIRE_IO_DONE,
    WIRE_IO_END,    /* the other end closed before that */
    WIRE_IO_LATE,   /* the deadline passed before that */
    WIRE_IO_LONG,   /* there is more than the limit (wire_read_to_end) */
    WIRE_IO_FAILED, /* errno says why */
};

/* Milliseconds of the monotonic clock, which only ever grows. */
int64_t wire_clock_ms(void);

/* Waits until fd is ready for these events of poll(2). */
enum wire_io wire_wait(int fd, short events, int64_t deadline);

/* Reads until the end of the stream. buffer can hold limit bytes;
 * *ret_len is how many there are, set only with WIRE_IO_DONE. One byte more
 * than limit is WIRE_IO_LONG. */
enum wire_io wire_read_to_end(
    int fd, void *buffer, size_t limit, int64_t deadline, size_t *ret_len);

/* Reads exactly len bytes. A reset connection is WIRE_IO_END too. */
enum wire_io wire_read(int fd, void *buffer, size_t len, int64_t deadline);

/* Writes exactly len bytes. A closed pipe or connection is WIRE_IO_END. */
enum wire_io
wire_write(int fd, const void *buffer, size_t len, int64_t deadline);

/* For a local variable that owns a descriptor (-1: none) or memory. */
#define wire_autoclose __attribute__((cleanup(wire_close)))
#define wire_autofree  __attribute__((cleanup(wire_free)))

void wire_close(int *fd);
void wire_free(void *pointer);

#endif
