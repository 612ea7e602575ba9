/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-cli-freeze.c - a guest that is frozen or paused goes on, whatever dies
 *
 * With libvirt's own test driver; only the calls that touch the guest are this
 * file's, which writes down that they were made. The last tests have the process that
 * froze it killed.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/cli/freeze.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define URI  "test:///default"
#define UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"

static char *log_path;
static int state_is;  /* virDomainState */
static bool no_agent; /* the guest has none */

static void
note(const char *word)
{
    int fd = open(log_path, O_WRONLY | O_APPEND | O_CLOEXEC);

    if (fd >= 0) {
        (void)!write(fd, word, strlen(word));
        (void)close(fd);
    }
}

/* Of the program, so that libvirt's are not called. */
int
virDomainFSFreeze(virDomainPtr domain,
                  const char **mounts,
                  unsigned int n,
                  unsigned int flags)
{
    (void)domain;
    (void)mounts;
    (void)n;
    (void)flags;
    if (no_agent) {
        /* It leaves the error of what the driver cannot do. */
        (void)virDomainPMWakeup(domain, 0);
        return -1;
    }
    note("freeze ");
    return 1;
}

int
virDomainFSThaw(virDomainPtr domain,
                const char **mounts,
                unsigned int n,
                unsigned int flags)
{
    (void)domain;
    (void)mounts;
    (void)n;
    (void)flags;
    note("thaw ");
    return 1;
}

int
virDomainSuspend(virDomainPtr domain)
{
    (void)domain;
    note("pause ");
    return 0;
}

int
virDomainResume(virDomainPtr domain)
{
    (void)domain;
    note("resume ");
    return 0;
}

int
virDomainGetState(virDomainPtr domain,
                  int *state,
                  int *reason,
                  unsigned int flags)
{
    (void)domain;
    (void)reason;
    (void)flags;
    *state = state_is;
    return 0;
}

static int
setup(void **state)
{
    int fd = g_file_open_tmp("remora-freeze-XXXXXX", &log_path, NULL);

    (void)state;
    state_is = VIR_DOMAIN_RUNNING;
    no_agent = false;
    if (fd >= 0)
        (void)close(fd);
    return fd >= 0 ? 0 : -1;
}

static int
teardown(void **state)
{
    (void)state;
    (void)g_unlink(log_path);
    g_free(log_path);
    return 0;
}

static char *
said(void)
{
    char *text = NULL;

    (void)g_file_get_contents(log_path, &text, NULL, NULL);
    return text;
}

static void
assert_said(const char *expected)
{
    g_autofree char *text = said();

    assert_string_equal(text, expected);
}

static CmdFreeze *
begin_by(CmdFreezeWays ways, CmdFrozen expected)
{
    g_autoptr(GError) error = NULL;
    CmdFreeze *freeze = cmd_freeze_new(&error);
    CmdFrozen frozen;
    g_autofree char *why = NULL;

    assert_non_null(freeze);
    assert_true(
        cmd_freeze_begin(freeze, URI, UUID, ways, &frozen, &why, &error));
    assert_int_equal(frozen, expected);
    assert_true((why != NULL) == (no_agent && ways & CMD_BY_AGENT));
    return freeze;
}

static CmdFreeze *
begin(void)
{
    return begin_by(CMD_BY_AGENT, CMD_IS_FROZEN);
}

static void
test_both(void **state)
{
    g_autoptr(GError) error = NULL;
    CmdFreeze *freeze = begin();

    (void)state;
    assert_said("freeze ");
    assert_true(cmd_freeze_end(freeze, &error));
    assert_said("freeze thaw ");
    cmd_freeze_free(freeze);
    assert_said("freeze thaw ");
}

static void
test_forgotten(void **state)
{
    CmdFreeze *freeze = begin();

    (void)state;
    cmd_freeze_free(freeze);
    assert_said("freeze thaw ");
}

static void
test_no_domain(void **state)
{
    g_autoptr(GError) error = NULL;
    CmdFreeze *freeze = cmd_freeze_new(&error);
    CmdFrozen frozen;
    char *why = NULL;

    (void)state;
    assert_non_null(freeze);
    assert_false(cmd_freeze_begin(freeze, URI,
                                  "00000000-f6a4-8304-79aa-97f2502e193f",
                                  CMD_BY_AGENT, &frozen, &why, &error));
    assert_non_null(error);
    cmd_freeze_free(freeze);
    assert_said("");
}

static void
test_paused(void **state)
{
    g_autoptr(GError) error = NULL;
    CmdFreeze *freeze;

    (void)state;
    no_agent = true;
    freeze = begin_by(CMD_BY_AGENT | CMD_BY_PAUSE, CMD_IS_PAUSED);
    assert_true(cmd_freeze_end(freeze, &error));
    cmd_freeze_free(freeze);
    assert_said("pause resume ");
    freeze = begin_by(CMD_BY_PAUSE, CMD_IS_PAUSED);
    cmd_freeze_free(freeze);
    assert_said("pause resume pause resume ");
    freeze = begin_by(CMD_BY_AGENT, CMD_RUNS_ON);
    assert_true(cmd_freeze_end(freeze, &error));
    cmd_freeze_free(freeze);
    assert_said("pause resume pause resume ");
}

/* The file systems are better than the guest. */
static void
test_agent_first(void **state)
{
    (void)state;
    cmd_freeze_free(begin_by(CMD_BY_AGENT | CMD_BY_PAUSE, CMD_IS_FROZEN));
    assert_said("freeze thaw ");
}

/* Who has paused it resumes it. */
static void
test_off(void **state)
{
    static const int states[] = {VIR_DOMAIN_PAUSED, VIR_DOMAIN_SHUTOFF};

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(states); i++) {
        g_autoptr(GError) error = NULL;
        CmdFreeze *freeze;

        state_is = states[i];
        freeze = begin_by(CMD_BY_AGENT | CMD_BY_PAUSE, CMD_IS_OFF);
        assert_true(cmd_freeze_end(freeze, &error));
        cmd_freeze_free(freeze);
        assert_said("");
    }
}

static void
assert_killed(CmdFreezeWays ways, CmdFrozen frozen, const char *expected)
{
    g_autofree char *text = NULL;
    pid_t pid = fork();

    if (pid == 0) {
        (void)begin_by(ways, frozen);
        (void)kill(getpid(), SIGKILL);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    for (int i = 0; i < 3000; i++) {
        g_free(text);
        text = said();
        if (strcmp(text, expected) == 0)
            break;
        g_usleep(G_USEC_PER_SEC / 100);
    }
    assert_string_equal(text, expected);
}

static void
test_killed(void **state)
{
    (void)state;
    assert_killed(CMD_BY_AGENT, CMD_IS_FROZEN, "freeze thaw ");
}

static void
test_killed_paused(void **state)
{
    (void)state;
    assert_killed(CMD_BY_PAUSE, CMD_IS_PAUSED, "pause resume ");
}

/* The keeper may outlive who asked for it, and must not hold his output open. */
static void
test_output(void **state)
{
    int before = dup(STDOUT_FILENO);
    struct pollfd end = {.events = POLLIN};
    CmdFreeze *freeze;
    int fds[2];
    char byte;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_true(dup2(fds[1], STDOUT_FILENO) >= 0);
    (void)close(fds[1]);
    freeze = cmd_freeze_new(NULL);
    assert_true(dup2(before, STDOUT_FILENO) >= 0);
    (void)close(before);
    assert_non_null(freeze);
    end.fd = fds[0];
    assert_int_equal(poll(&end, 1, 60 * 1000), 1);
    assert_int_equal(read(fds[0], &byte, 1), 0);
    (void)close(fds[0]);
    cmd_freeze_free(freeze);
}

static void
test_absent(void **state)
{
    (void)state;
    assert_true(cmd_freeze_is_absent(VIR_ERR_ARGUMENT_UNSUPPORTED));
    assert_true(cmd_freeze_is_absent(VIR_ERR_AGENT_UNRESPONSIVE));
    assert_true(cmd_freeze_is_absent(VIR_ERR_OPERATION_INVALID));
    assert_false(cmd_freeze_is_absent(VIR_ERR_INTERNAL_ERROR));
    assert_false(cmd_freeze_is_absent(VIR_ERR_OPERATION_DENIED));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_both, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_domain, setup, teardown),
        cmocka_unit_test_setup_teardown(test_paused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_agent_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed_paused, setup, teardown),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
