/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/hooks/hook-here.h - the hook run in a directory of its own, against
 * an agent that the test plays itself
 *
 * The test starts the hook, is its agent step by step, and then looks at what
 * the hook left. Nothing here is timed: a wait that lasts for minutes
 * fails the test.
 */
#ifndef REMORA_TESTS_HOOKS_HOOK_HERE_H
#define REMORA_TESTS_HOOKS_HOOK_HERE_H

#include "hooks/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A domain that is remora's business, and one that is not. */
#define OURS                                                                   \
    "<domain><name>web1</name><disk><source protocol='rbd'/></disk></domain>"
#define FOREIGN "<domain><name>web1</name><disk type='file'/></domain>"

/* cmocka's setup and teardown: a new directory with an empty run/ in it. What
 * the hook left running is waited for at the end. */
int here_enter(void **state);
int here_leave(void **state);

/* The hook while it runs, and what it left. */
struct run {
    pid_t pid;
    int out_fd;
    int err_fd;
    int status; /* exit status, or 128 and the signal */
    char *out;  /* its standard output, and a NUL behind it */
    char *err;  /* its standard error, the same */
    size_t out_len;
};

/* A file that can be read once from its beginning. */
int input_of(const void *bytes, size_t len);

/* Starts the hook. Closes input (-1: standard input is closed). */
struct run run_start(const char *name,
                     const char *operation,
                     const char *suboperation,
                     int input);

/* The same, with standard output on this descriptor, the run's from now on. */
struct run run_start_to(const char *name,
                        const char *operation,
                        const char *suboperation,
                        int input,
                        int output);

/* Waits for its end and collects what it left; clear it afterwards. */
void run_end(struct run *run);
void run_clear(struct run *run);

/* Ends it, asserts the rest, and clears it. */
void run_expect_quiet(struct run *run);
void run_expect_refusal(struct run *run, const char *line);

/* A listening stream socket, or a bound datagram socket. */
int agent_listen(void);
int agent_listen_queue(int backlog);
int agent_bind_notify(void);

/* Nobody has connected, or sent a datagram. */
void assert_untouched(int fd);

int agent_accept(int listener);
void agent_send(int fd, const void *bytes, size_t len);
void agent_greet(int fd, uint32_t deadline_ms);

/* Reads one request, and asserts what it is. */
void agent_expect(
    int fd, enum wire_op op, const char *name, const void *xml, size_t xml_len);

void agent_answer(int fd,
                  enum wire_verdict verdict,
                  const char *message,
                  const void *output,
                  size_t output_len);

/* The three operations that ask. */
struct asking {
    const char *operation;
    enum wire_op op;
    bool filter;
};
extern const struct asking askings[3];

#define EACH_ASKING(asking)                                                    \
    for (const struct asking *asking = askings; asking < askings + 3; asking++)

#endif
