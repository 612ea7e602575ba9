/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/speed/spawn.h - drive's processes: short ones, and bare.c at the
 * other end of two pipes
 *
 * Nothing here returns a failure: each ends the program with one line on
 * stderr and status 1. spawn_run() may be called from any thread, the rest
 * from one.
 */
#ifndef REMORA_TESTS_SPEED_SPAWN_H
#define REMORA_TESTS_SPEED_SPAWN_H

#include <stdio.h>

void spawn_die(const char *format, ...) __attribute__((format(printf, 1, 2)))
__attribute__((noreturn));
/* The environment's value, which must be there. */
const char *spawn_setting(const char *name);
/* Runs args[0] with input (shorter than a pipe, 64 KiB) on its stdin and
 * waits for it. Its status must be 0; what it says goes to stderr. */
void spawn_run(const char *const *args, const char *input);
/* Starts the shell's command. The stream takes its commands. */
FILE *spawn_bare(const char *command);
/* Ends the command that was written to the stream, and waits until bare.c
 * has done it. */
void spawn_bare_go(void);
/* Closes the stream and waits until bare.c has ended well. */
void spawn_bare_end(void);

#endif
