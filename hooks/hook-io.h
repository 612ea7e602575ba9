/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/hook-io.h - whole reads and writes that end at a deadline
 *
 * Deadlines are milliseconds of the monotonic clock (hook_now()).
 */
#ifndef REMORA_HOOKS_HOOK_IO_H
#define REMORA_HOOKS_HOOK_IO_H

#include <stddef.h>
#include <stdint.h>

enum hook_io {
    HOOK_IO_DONE,
    HOOK_IO_ENDED, /* the other side closed, or went away */
    HOOK_IO_LATE,
    HOOK_IO_FAILED, /* errno says why */
};

int64_t hook_now(void);

/* On a socket; neither waits longer than until deadline. */
enum hook_io hook_read(int fd, void *buffer, size_t len, int64_t deadline);
enum hook_io
hook_write(int fd, const void *buffer, size_t len, int64_t deadline);

/* All of fd up to its end: *ret_text is NUL-terminated, free() it. HOOK_IO_LATE
 * does not happen; more than max bytes is HOOK_IO_FAILED with EFBIG. */
enum hook_io
hook_read_end(int fd, size_t max, char **ret_text, size_t *ret_len);

/* Writes all of it to a file descriptor of any kind. */
enum hook_io hook_write_file(int fd, const void *buffer, size_t len);

#endif
