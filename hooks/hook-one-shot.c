/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/hook-one-shot.c - the agent's own program in the hook's place
 *
 * It is executed, not started: a child that outlives the hook would hold the
 * pipes that libvirt waits on.
 */
#include "config.h"

#include "hooks/hook-one-shot.h"

#include "hooks/hook-io.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Puts the XML where standard input was. A file in memory has no writer who
 * would have to stay, as a pipe has. */
static int
feed(const struct hook_domain *domain)
{
    hook_autoclose int fd = memfd_create("domain.xml", MFD_CLOEXEC);
    size_t put = 0;

    if (fd < 0)
        return -1;
    while (put < domain->xml_len) {
        ssize_t n = write(fd, domain->xml + put, domain->xml_len - put);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        put += (size_t)n;
    }
    if (lseek(fd, 0, SEEK_SET) < 0)
        return -1;
    return dup2(fd, STDIN_FILENO);
}

/* The program gets signals as libvirt gave them to us, but for the alarm,
 * which must not have been ignored or blocked on the way here. */
static void
set_alarm(void)
{
    sigset_t alarms;

    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGALRM, SIG_DFL);
    (void)sigprocmask(SIG_UNBLOCK, &alarms, NULL);
    (void)alarm(WIRE_DEADLINE_CAP_MS / 1000);
}

static void
unset_alarm(void)
{
    (void)alarm(0);
    (void)signal(SIGPIPE, SIG_IGN);
}

void
hook_one_shot(const char *program,
              const char *operation,
              const struct hook_domain *domain,
              struct hook_error *error)
{
    /* Whoever may name a domain must not be able to give an option. */
    const char *arguments[] = {program,   "--one-shot", "--",
                               operation, domain->name, NULL};
    int reason;

    if (feed(domain) < 0) {
        hook_error_set(error,
                       "the agent (remorad) is not running, and its work "
                       "cannot be done without it: %s: start it with "
                       "'systemctl start remorad', then try again",
                       strerror(errno));
        return;
    }
    set_alarm();
    execv(program, (char *const *)arguments);
    reason = errno;
    unset_alarm();
    hook_error_set(error,
                   "the agent (remorad) is not running, and '%s' cannot be "
                   "executed in its place: %s: start it with 'systemctl start "
                   "remorad', then try again",
                   program, strerror(reason));
}
