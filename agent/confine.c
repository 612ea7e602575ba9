/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/confine.c - runs a tool that is to get at two open files and nothing else
 *
 *     confine SECONDS MEMORY SIZE TOOL [ARGUMENT]...
 *
 * They are descriptors 3 and 4. The tool runs as nobody, without capabilities and
 * a way to get any, in a network of its own that has no way out. SECONDS of
 * processor time, MEMORY bytes of address space and SIZE bytes in a file are all
 * that it gets. It dies with who runs this.
 *
 * A program, because the agent has threads of librados and cannot fork: what is
 * to happen between fork and exec happens here.
 *
 * Walls: libc only. What goes wrong is one line on stderr, and status 127.
 */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define NOBODY    65534
#define FILES_MAX 64
/* Of nobody's on the whole host. mkfs.xfs has threads, which count. */
#define TASKS_MAX   256
#define FAILED      127
#define FIRST_SPARE 5
#define USAGE       "usage: confine SECONDS MEMORY SIZE TOOL [ARGUMENT]..."

static int
fail(const char *what)
{
    fprintf(stderr, "cannot %s: %s\n", what, strerror(errno));
    return -1;
}

static int
limit(int resource, const char *text)
{
    char *end = NULL;
    unsigned long long number;
    struct rlimit value;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno != 0 || *end || number == 0) {
        errno = EINVAL;
        return fail("read a limit");
    }
    value.rlim_cur = value.rlim_max = (rlim_t)number;
    return setrlimit(resource, &value) < 0 ? fail("set a limit") : 0;
}

static int
set_limits(char **texts)
{
    const struct rlimit files = {FILES_MAX, FILES_MAX};
    const struct rlimit none = {0, 0};

    if (limit(RLIMIT_CPU, texts[0]) < 0 || limit(RLIMIT_AS, texts[1]) < 0 ||
        limit(RLIMIT_FSIZE, texts[2]) < 0)
        return -1;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0 ||
        setrlimit(RLIMIT_CORE, &none) < 0)
        return fail("set a limit");
    return 0;
}

/* After the last one there is no way back. */
static int
drop_rights(void)
{
    const struct rlimit tasks = {TASKS_MAX, TASKS_MAX};

    if (close_range(FIRST_SPARE, ~0U, 0) < 0)
        return fail("close descriptors");
    if (unshare(CLONE_NEWNET | CLONE_NEWIPC) < 0)
        return fail("leave the network");
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return fail("become nobody");
    /* Not before: who becomes another loses the second. */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return fail("give up rights");
    if (setrlimit(RLIMIT_NPROC, &tasks) < 0)
        return fail("set a limit");
    return 0;
}

int
main(int argc, char **argv)
{
    static char *const environment[] = {
        (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *)"LC_ALL=C",
        (char *)"MALLOC_ARENA_MAX=1", NULL};

    if (argc < 5) {
        fputs(USAGE "\n", stderr);
        return FAILED;
    }
    if (set_limits(argv + 1) < 0 || drop_rights() < 0)
        return FAILED;
    (void)putenv(environment[0]);
    execvpe(argv[4], argv + 4, environment);
    fprintf(stderr, "cannot run '%s': %s\n", argv[4], strerror(errno));
    return FAILED;
}
