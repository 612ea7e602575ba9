/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/tool.c - runs a tool that is to get at what it is given and nothing else
 *
 * By way of agent/confine.c.
 */
#include "config.h"

#include "agent/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

/* How much of what a tool says is kept. */
#define SAID_MAX 4096
#define ARGS_MAX 16

G_DEFINE_QUARK(remora - tool - error - quark, tool_error)

gboolean
tool_fail(GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    g_strdelimit(g_strchomp(text), "\n\t", ' ');
    g_set_error_literal(error, TOOL_ERROR, TOOL_ERROR_FAILED, text);
    return FALSE;
}

/* The number of an error, or 0. No descriptor but these goes along: all others
 * of the agent are closed on exec. */
static int
spawn(char **args, const int *fds, int said, pid_t *ret_pid)
{
    static char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int r;

    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attributes);
    (void)sigemptyset(&none);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                         O_RDWR, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO,
                                             STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, said, STDERR_FILENO);
    for (int i = 0; r == 0 && i < TOOL_FDS; i++)
        r = posix_spawn_file_actions_adddup2(
            &actions, fds[i] >= 0 ? fds[i] : STDIN_FILENO, TOOL_FD + i);
    if (r == 0)
        r = posix_spawn(ret_pid, args[0], &actions, &attributes, args,
                        environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    return r;
}

/* Until the tool has closed its end. false: it takes too long. */
static bool
listen_to(int fd, guint seconds, GString *text)
{
    gint64 until = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
    char bytes[512];

    for (;;) {
        gint64 left = (until - g_get_monotonic_time()) / 1000;
        struct pollfd at = {.fd = fd, .events = POLLIN};
        gssize got;

        if (left <= 0)
            return false;
        if (poll(&at, 1, (int)left) <= 0)
            continue;
        got = read(fd, bytes, sizeof(bytes));
        if (got == 0 || (got < 0 && errno != EINTR))
            return true;
        if (got > 0 && text->len < SAID_MAX)
            g_string_append_len(text, bytes, got);
    }
}

static int
wait_for(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return status;
}

/* Once the pipe's own end is closed, the tool alone keeps it open. */
static gboolean
listen_and_wait(const Tool *tool, int said, pid_t pid, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    bool in_time = listen_to(said, tool->seconds, text);
    int status;

    if (!in_time)
        (void)kill(pid, SIGKILL);
    status = wait_for(pid);
    if (!in_time)
        return tool_fail(error,
                         "'%s' was ended, because it took more than %u s",
                         tool->name, tool->seconds);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return TRUE;
    return tool_fail(
        error,
        "'%s' (of the package %s) did not come to its end (%s %d): "
        "%.400s",
        tool->name, tool->package, WIFEXITED(status) ? "status" : "signal",
        WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
        text->len > 0 ? text->str : "it said nothing");
}

/* Elsewhere than where the tool gets them: one put there could be the next that
 * is to be. */
static void
set_apart(const Tool *tool, int *fds)
{
    for (int i = 0; i < TOOL_FDS; i++)
        fds[i] = tool->fds[i] >= 0
                     ? fcntl(tool->fds[i], F_DUPFD_CLOEXEC, TOOL_FD + TOOL_FDS)
                     : -1;
}

static gboolean
run(const Tool *tool, char **args, GError **error)
{
    int fds[TOOL_FDS];
    int ends[2];
    pid_t pid = 0;
    int r;
    gboolean done;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return tool_fail(error, "cannot run '%s': %s", tool->name,
                         g_strerror(errno));
    set_apart(tool, fds);
    r = spawn(args, fds, ends[1], &pid);
    (void)close(ends[1]);
    for (int i = 0; i < TOOL_FDS; i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    done = r == 0 ? listen_and_wait(tool, ends[0], pid, error)
                  : tool_fail(error, "cannot run '%s': %s", args[0],
                              g_strerror(r));
    (void)close(ends[0]);
    return done;
}

gboolean
tool_run(const Tool *tool, GError **error)
{
    g_autofree char *seconds = g_strdup_printf("%u", tool->seconds);
    g_autofree char *memory =
        g_strdup_printf("%" G_GUINT64_FORMAT, tool->memory);
    g_autofree char *most =
        g_strdup_printf("%" G_GUINT64_FORMAT, tool->file_size);
    char *args[ARGS_MAX] = {(char *)REMORA_CONFINE, seconds, memory, most,
                            (char *)tool->name};
    gsize n = 5;

    for (gsize i = 0; tool->args[i]; i++) {
        g_return_val_if_fail(n + 1 < ARGS_MAX, FALSE);
        args[n++] = (char *)tool->args[i];
    }
    return run(tool, args, error);
}
