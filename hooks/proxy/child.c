/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/child.c - a relay's process
 */
#include "config.h"

#include "hooks/proxy/child.h"

#include "hooks/proxy/relay.h"
#include "hooks/proxy/upstream.h"
#include "hooks/wire/io.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Where close_range(2) is not there (Linux 5.9). */
static void
close_each(unsigned from, unsigned to)
{
    long max = sysconf(_SC_OPEN_MAX);

    for (unsigned fd = from; fd <= to && (long)fd < max; fd++)
        (void)close((int)fd);
}

static void
close_between(unsigned from, unsigned to)
{
    if (from <= to && close_range(from, to, 0) < 0)
        close_each(from, to);
}

/* The sockets of other clients were inherited, too. */
static void
close_all_but(int one, int other)
{
    unsigned low = (unsigned)(one < other ? one : other);
    unsigned high = (unsigned)(one < other ? other : one);

    close_between(STDERR_FILENO + 1, low - 1);
    close_between(low + 1, high - 1);
    close_between(high + 1, ~0u);
}

static void
reset_signals(void)
{
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* Call it after the change of identity, which resets this. The parent may have
 * ended before. */
static bool
end_with_parent(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
           getppid() == parent;
}

static void
complain(const struct proxy_child *child, const struct wire_error *error)
{
    const struct proxy_identity *identity = child->identity;
    char line[sizeof(error->line) + 64];
    int len =
        snprintf(line, sizeof(line), "client %d of user %u: %s",
                 (int)identity->pid, (unsigned)identity->uid, error->line);

    if (!proxy_ratelimit_allows(child->limit, wire_clock_ms()))
        return;
    wire_say(NULL, line,
             (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
}

/* A client may take over its relay. That must not write to the proxy's log, nor
 * use up the limit on its lines. */
static void
let_go_of_log(const struct proxy_child *child)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct wire_error error;

    if (null < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        dup2(null, STDERR_FILENO) < 0) {
        wire_error_set(&error, "cannot use /dev/null: %s", strerror(errno));
        complain(child, &error);
        _exit(EXIT_FAILURE);
    }
    (void)close(null);
    proxy_ratelimit_free(child->limit);
}

_Noreturn void
proxy_child_run(const struct proxy_child *child)
{
    struct wire_error error;
    int server;

    reset_signals();
    close_all_but(child->client, child->broker);
    (void)prctl(PR_SET_NAME, "remora-relay", 0, 0, 0);
    /* malloc()'s arenas for threads would be most of an idle relay's memory. */
    (void)mallopt(M_ARENA_MAX, 1);
    if (!proxy_identity_take(child->identity, &error)) {
        complain(child, &error);
        _exit(EXIT_FAILURE);
    }
    if (!end_with_parent(child->parent))
        _exit(EXIT_FAILURE);
    server = proxy_upstream_connect(child->upstream, child->own, &error);
    if (server < 0)
        complain(child, &error);
    let_go_of_log(child);
    if (server < 0) {
        proxy_relay_apologise(child->client, error.line);
        _exit(EXIT_FAILURE);
    }
    (void)proxy_relay_run(child->client, server, child->broker);
    _exit(EXIT_SUCCESS);
}
