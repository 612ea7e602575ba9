/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/io.h - reading and writing in full, never past a deadline
 *
 * A deadline is a moment of hook_clock_ms(). Any file descriptor will do,
 * blocking or not: none of these functions waits in read() or write(). They
 * need SIGPIPE ignored, and may be called from any thread.
 */
#ifndef REMORA_HOOKS_WIRE_IO_H
#define REMORA_HOOKS_WIRE_IO_H

#include <stddef.h>
#include <stdint.h>

enum hook_io {
    HOOK_IO_DONE,
    HOOK_IO_END,    /* the other end closed before that */
    HOOK_IO_LATE,   /* the deadline passed before that */
    HOOK_IO_LONG,   /* there is more than the limit (hook_read_to_end) */
    HOOK_IO_FAILED, /* errno says why */
};

/* Milliseconds of the monotonic clock, which only ever grows. */
int64_t hook_clock_ms(void);

/* Reads until the end of the stream. buffer has room for limit bytes;
 * *ret_len is how many there are, set only with HOOK_IO_DONE. One byte more
 * than limit is HOOK_IO_LONG. */
enum hook_io hook_read_to_end(
    int fd, void *buffer, size_t limit, int64_t deadline, size_t *ret_len);

/* Reads exactly len bytes. A reset connection is HOOK_IO_END too. */
enum hook_io hook_read(int fd, void *buffer, size_t len, int64_t deadline);

/* Writes exactly len bytes. A closed pipe or connection is HOOK_IO_END. */
enum hook_io
hook_write(int fd, const void *buffer, size_t len, int64_t deadline);

/* For a local variable that owns a descriptor (-1: none) or memory. */
#define hook_autoclose __attribute__((cleanup(hook_close)))
#define hook_autofree  __attribute__((cleanup(hook_free)))

void hook_close(int *fd);
void hook_free(void *pointer);

#endif
