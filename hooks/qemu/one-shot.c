/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/qemu/one-shot.c - the agent's work without an agent, by its own program
 *
 * Where libvirt waits for an answer, the hook becomes that program. Where
 * libvirt only tells the hook something, it must not be made to wait: a process
 * of its own does the work after the hook has ended. That closes the hook's
 * pipes first, for libvirt waits until nobody has them.
 */
#include "config.h"

#include "hooks/qemu/one-shot.h"

#include "hooks/wire/io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Puts the XML where standard input was. Unlike a pipe, a file in memory needs
 * no process that writes to it. */
static int
feed(const struct wire_domain *domain)
{
    wire_autoclose int fd = memfd_create("domain.xml", MFD_CLOEXEC);

    if (fd < 0 ||
        wire_write(fd, domain->xml, domain->xml_len,
                   wire_clock_ms() + WIRE_DEADLINE_CAP_MS) != WIRE_IO_DONE)
        return -1;
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
              const struct wire_domain *domain,
              struct wire_error *error)
{
    /* Whoever may name a domain must not be able to give an option. */
    const char *arguments[] = {program,   "--one-shot", "--",
                               operation, domain->name, NULL};
    int reason;

    if (feed(domain) < 0) {
        wire_error_set(error,
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
    wire_error_set(error,
                   "the agent (remorad) is not running, and '%s' cannot be "
                   "executed in its place: %s: start it with 'systemctl start "
                   "remorad', then try again",
                   program, strerror(reason));
}

/* ---- afterwards ------------------------------------------------------------ */

static bool
let_go(void)
{
    int null = open("/dev/null", O_RDWR);
    bool good = null >= 0;

    for (int fd = STDIN_FILENO; good && fd <= STDERR_FILENO; fd++)
        good = null == fd || dup2(null, fd) == fd;
    /* libvirt leaves a hook nothing else, and old kernels cannot do this. */
    (void)close_range(STDERR_FILENO + 1, ~0u, 0);
    return good;
}

/* Its line is the one of its domain. */
static unsigned
line_of(const char *name)
{
    unsigned hash = 5381;

    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash % HOOK_LATER_MAX;
}

/* Waits until the alarm. The descriptor, and with it the lock, is the program's
 * until that ends. */
static bool
wait_in_line(const char *run_dir, const char *name)
{
    char path[256];
    int len =
        snprintf(path, sizeof(path), "%s/one-shot.%u", run_dir, line_of(name));
    int fd;

    if (len < 0 || (size_t)len >= sizeof(path))
        return false;
    /* Nothing of remora's may have run since the host booted. */
    (void)mkdir(run_dir, 0755);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    return fd >= 0 && flock(fd, LOCK_EX) == 0;
}

void
hook_one_shot_later(const char *program,
                    const char *run_dir,
                    const char *operation,
                    const struct wire_domain *domain)
{
    struct wire_error nobody_reads_it;

    /* It outlives the hook, and so is init's to collect. */
    if (fork() != 0)
        return;
    set_alarm();
    if (let_go() && setsid() >= 0 && wait_in_line(run_dir, domain->name))
        hook_one_shot(program, operation, domain, &nobody_reads_it);
    _exit(EXIT_FAILURE);
}
