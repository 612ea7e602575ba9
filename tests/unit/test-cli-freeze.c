/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-cli-freeze.c - a guest that is frozen is thawed, whatever dies
 *
 * With libvirt's own test driver; only the two calls are this file's, which writes
 * down that they were made. The last test has the process that froze it killed.
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
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define URI  "test:///default"
#define UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"

static char *log_path;

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

static int
setup(void **state)
{
    int fd = g_file_open_tmp("remora-freeze-XXXXXX", &log_path, NULL);

    (void)state;
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
begin(void)
{
    g_autoptr(GError) error = NULL;
    CmdFreeze *freeze = cmd_freeze_new(&error);
    char *why = NULL;

    assert_non_null(freeze);
    assert_true(cmd_freeze_begin(freeze, URI, UUID, &why, &error));
    assert_null(why);
    return freeze;
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
    char *why = NULL;

    (void)state;
    assert_non_null(freeze);
    assert_false(cmd_freeze_begin(
        freeze, URI, "00000000-f6a4-8304-79aa-97f2502e193f", &why, &error));
    assert_non_null(error);
    cmd_freeze_free(freeze);
    assert_said("");
}

static void
test_killed(void **state)
{
    g_autofree char *text = NULL;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        (void)begin();
        (void)kill(getpid(), SIGKILL);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    for (int i = 0; i < 3000; i++) {
        g_free(text);
        text = said();
        if (g_str_has_suffix(text, "thaw "))
            break;
        g_usleep(G_USEC_PER_SEC / 100);
    }
    assert_string_equal(text, "freeze thaw ");
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
        cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
        cmocka_unit_test(test_absent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
