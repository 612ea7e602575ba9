/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-proxy-identity.c - who is at the other end, and becoming him
 *
 * Only root can become another; without it that must fail and change nothing.
 */
#include "config.h"

#include "hooks/proxy/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void
test_of(void **state)
{
    struct proxy_identity identity;
    struct wire_error error;
    int n = getgroups(0, NULL);
    gid_t *groups = calloc((size_t)n + 1, sizeof(*groups));
    int fds[2];

    (void)state;
    assert_int_equal(getgroups(n, groups), n);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_true(proxy_identity_of(fds[0], &identity, &error));
    assert_int_equal(identity.pid, getpid());
    assert_int_equal(identity.uid, geteuid());
    assert_int_equal(identity.gid, getegid());
    assert_int_equal(identity.n_groups, n);
    for (int i = 0; i < n; i++) {
        bool found = false;

        for (size_t j = 0; j < identity.n_groups; j++)
            found = found || identity.groups[j] == groups[i];
        assert_true(found);
    }
    proxy_identity_clear(&identity);
    assert_null(identity.groups);
    assert_int_equal(close(fds[0]), 0);
    assert_int_equal(close(fds[1]), 0);
    assert_false(proxy_identity_of(fds[0], &identity, &error));
    assert_non_null(strstr(error.line, "who a client is"));
    free(groups);
}

/* The exit status of a process that took it: 0: all of it is so. */
static int
take(const struct proxy_identity *identity)
{
    struct wire_error error;
    uid_t uids[3];
    gid_t gids[3];
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        gid_t groups[4];

        if (!proxy_identity_take(identity, &error))
            _exit(1);
        if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 ||
            getresgid(&gids[0], &gids[1], &gids[2]) != 0)
            _exit(2);
        for (size_t i = 0; i < 3; i++)
            if (uids[i] != identity->uid || gids[i] != identity->gid)
                _exit(3);
        if (getgroups(4, groups) != 2 || groups[0] != identity->groups[0] ||
            groups[1] != identity->groups[1])
            _exit(4);
        if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 ||
            prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
            _exit(5);
        _exit(setuid(0) == 0 ? 6 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void
test_take(void **state)
{
    gid_t groups[] = {65533, 65534};
    struct proxy_identity identity = {1, 65532, 65531, groups, 2};

    (void)state;
    assert_int_equal(take(&identity), geteuid() == 0 ? 0 : 1);
}

static void
test_nobody_at_all(void **state)
{
    gid_t groups[] = {65533, 65534};
    struct proxy_identity identity = {1, (uid_t)-1, 65531, groups, 2};

    (void)state;
    assert_int_equal(take(&identity), 1);
    identity.uid = 65532;
    identity.gid = (gid_t)-1;
    assert_int_equal(take(&identity), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_nobody_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
