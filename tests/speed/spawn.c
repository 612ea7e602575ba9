/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/speed/spawn.c - drive's processes
 */
#include "config.h"

#include "tests/speed/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *bare_in;
static FILE *bare_out;
static pid_t bare_pid;

void
spawn_die(const char *format, ...)
{
    va_list args;

    fputs("drive: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    /* Other threads may be at work. */
    _exit(EXIT_FAILURE);
}

const char *
spawn_setting(const char *name)
{
    const char *value = getenv(name);

    if (!value)
        spawn_die("%s is not set", name);
    return value;
}

static void
make_pipe(int *ends)
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        spawn_die("cannot make a pipe: %s", strerror(errno));
}

static pid_t
start(const char *const *args, int in, int out)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int r;

    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    r = posix_spawn(&pid, args[0], &actions, NULL, (char *const *)args,
                    environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (r != 0)
        spawn_die("cannot run '%s': %s", args[0], strerror(r));
    return pid;
}

static void
finish(pid_t pid, const char *what)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            spawn_die("cannot wait: %s", strerror(errno));
    if (status != 0)
        spawn_die("'%s' failed: wait status 0x%x", what, (unsigned)status);
}

void
spawn_run(const char *const *args, const char *input)
{
    size_t len = strlen(input);
    int ends[2];
    pid_t pid;

    make_pipe(ends);
    if (write(ends[1], input, len) != (ssize_t)len)
        spawn_die("cannot write to a pipe: %s", strerror(errno));
    (void)close(ends[1]);
    pid = start(args, ends[0], STDERR_FILENO);
    (void)close(ends[0]);
    finish(pid, args[0]);
}

FILE *
spawn_bare(const char *command)
{
    const char *const args[] = {"/bin/sh", "-c", command, NULL};
    int to[2];
    int from[2];

    make_pipe(to);
    make_pipe(from);
    bare_pid = start(args, to[0], from[1]);
    (void)close(to[0]);
    (void)close(from[1]);
    bare_in = fdopen(to[1], "w");
    bare_out = fdopen(from[0], "r");
    if (!bare_in || !bare_out)
        spawn_die("no memory");
    return bare_in;
}

void
spawn_bare_go(void)
{
    char line[64];

    if (fputc('\n', bare_in) == EOF || fflush(bare_in) != 0 ||
        !fgets(line, sizeof(line), bare_out))
        spawn_die("bare has ended");
}

void
spawn_bare_end(void)
{
    (void)fclose(bare_in);
    finish(bare_pid, "bare");
    (void)fclose(bare_out);
}
