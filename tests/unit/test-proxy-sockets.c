/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-proxy-sockets.c - the sockets that the proxy's parent has
 */
#include "config.h"

#include "hooks/proxy/broker.h"
#include "hooks/proxy/listen.h"
#include "hooks/proxy/ratelimit.h"
#include "hooks/proxy/upstream.h"
#include "hooks/wire/io.h"
#include "hooks/wire/ready.h"
#include "hooks/wire/socket.h"
#include "hooks/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOON() (wire_clock_ms() + 20)
#define EVER() (wire_clock_ms() + 20000)

static char directory[64];
static char path[128];

static int
enter(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof(directory), "/tmp/remora-proxy.XXXXXX");
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/run/socket", directory);
    return 0;
}

static int
leave(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/run", directory);
    (void)rmdir(path);
    return rmdir(directory);
}

static bool
opens(struct proxy_listen *listen, struct wire_error *error)
{
    return proxy_listen_open(listen, path, 0640, (gid_t)-1, error);
}

static int
connect_to(const char *where)
{
    int fd = wire_socket(SOCK_STREAM);

    assert_int_equal(wire_socket_connect(fd, where), 0);
    return fd;
}

static void
test_own(void **state)
{
    struct proxy_listen listen;
    struct proxy_listen other;
    struct wire_error error;
    struct stat file;
    int client;

    (void)state;
    assert_true(opens(&listen, &error));
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0640);
    client = connect_to(path);
    assert_false(opens(&other, &error));
    assert_non_null(strstr(error.line, "somebody serves it already"));
    wire_close(&client);
    proxy_listen_close(&listen);
    assert_int_equal(stat(path, &file), -1);
}

static void
test_left_over(void **state)
{
    struct proxy_listen listen;
    struct proxy_listen next;
    struct wire_error error;
    struct stat file;
    int fd;
    const struct timespec tick = {.tv_nsec = 50 * 1000 * 1000};

    (void)state;
    assert_true(opens(&listen, &error));
    wire_close(&listen.fd); /* as after kill -9 */
    (void)nanosleep(&tick, NULL);
    assert_true(opens(&next, &error));
    fd = connect_to(path);
    wire_close(&fd);
    /* It is the other's now, and stays. */
    proxy_listen_close(&listen);
    assert_int_equal(stat(path, &file), 0);
    proxy_listen_close(&next);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    wire_close(&fd);
    assert_false(opens(&listen, &error));
    assert_non_null(strstr(error.line, "is no socket"));
    assert_int_equal(stat(path, &file), 0);
}

/* In a process of its own, with descriptor 3 as the service manager has it:
 * 0 if it is taken, else 1. */
static int
passed(int fd, const char *fds)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct proxy_listen listen;
        struct wire_error error;
        char self[16];

        (void)snprintf(self, sizeof(self), "%d", (int)getpid());
        if (fd != 3 && dup2(fd, 3) < 0)
            _exit(9);
        (void)setenv("LISTEN_PID", self, 1);
        (void)setenv("LISTEN_FDS", fds, 1);
        if (!opens(&listen, &error))
            _exit(strstr(error.line, "one listening unix socket") ? 1 : 2);
        proxy_listen_close(&listen);
        _exit(listen.path ? 3 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void
test_passed(void **state)
{
    struct proxy_listen listen;
    struct wire_error error;
    struct stat file;
    int fds[2];

    (void)state;
    assert_true(opens(&listen, &error));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
    assert_int_equal(passed(listen.fd, "1"), 0);
    assert_int_equal(passed(listen.fd, "2"), 1);
    assert_int_equal(passed(fds[0], "1"), 1);
    assert_int_equal(stat(path, &file), 0); /* the manager's */
    proxy_listen_close(&listen);
    wire_close(&fds[0]);
    wire_close(&fds[1]);
}

static void
test_ready(void **state)
{
    struct sockaddr_un address;
    char text[32] = "";
    int fd = wire_socket(SOCK_DGRAM);

    (void)state;
    (void)unsetenv("NOTIFY_SOCKET");
    wire_ready_notify("READY=1"); /* nobody there */
    (void)snprintf(path, sizeof(path), "%s/n", directory);
    assert_true(wire_socket_address(&address, path));
    assert_int_equal(
        bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    (void)setenv("NOTIFY_SOCKET", path, 1);
    wire_ready_notify("READY=1");
    assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), 7);
    assert_string_equal(text, "READY=1");
    (void)unsetenv("NOTIFY_SOCKET");
    wire_close(&fd);
}

static void
test_upstream(void **state)
{
    char other[128];
    struct proxy_listen listen;
    struct wire_error error;
    int fd;

    (void)state;
    assert_int_equal(proxy_upstream_connect(path, "", &error), -1);
    assert_non_null(strstr(error.line, "cannot connect to libvirtd at"));
    assert_true(opens(&listen, &error));
    fd = proxy_upstream_connect(path, "", &error);
    assert_true(fd >= 0);
    wire_close(&fd);
    /* Its own, by this name or another. */
    (void)snprintf(other, sizeof(other), "%s/other", directory);
    fd = proxy_upstream_connect(path, other, &error);
    assert_true(fd >= 0);
    wire_close(&fd);
    assert_int_equal(symlink(path, other), 0);
    assert_int_equal(proxy_upstream_connect(path, path, &error), -1);
    assert_int_equal(proxy_upstream_connect(other, path, &error), -1);
    assert_non_null(strstr(error.line, "the proxy listens there itself"));
    assert_int_equal(unlink(other), 0);
    proxy_listen_close(&listen);
}

/* One of all processes that share it. */
static void
test_ratelimit(void **state)
{
    struct proxy_ratelimit *limit = proxy_ratelimit_new();
    int status;
    pid_t pid;

    (void)state;
    assert_non_null(limit);
    pid = fork();
    if (pid == 0)
        _exit(proxy_ratelimit_allows(limit, 100) ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_false(proxy_ratelimit_allows(limit, 9999));
    assert_true(proxy_ratelimit_allows(limit, 10000));
    assert_false(proxy_ratelimit_allows(limit, 10000));
    proxy_ratelimit_free(limit);
}

/* ---- broker ---------------------------------------------------------------- */

static pid_t
parent_answers(int parent, unsigned late_ms, enum proxy_broker why)
{
    const struct timespec late = {.tv_nsec = late_ms * 1000L * 1000L};
    pid_t pid = fork();
    uint8_t number;

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    while (proxy_broker_listen(parent, &number) != PROXY_BROKER_ASKED)
        continue;
    (void)nanosleep(&late, NULL);
    _exit(why == PROXY_BROKER_HERE
              ? proxy_broker_give(parent, number, path, 1, 2, 3) !=
                    PROXY_BROKER_HERE
              : !proxy_broker_deny(parent, number, why));
}

static void
expect_exit(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
expect_client(int agent)
{
    struct wire_client client;
    int accepted = accept(agent, NULL, NULL);

    assert_int_equal(wire_read(accepted, &client, sizeof(client), EVER()),
                     WIRE_IO_DONE);
    assert_null(wire_client_check(&client));
    assert_int_equal(client.uid, 1);
    assert_int_equal(client.gid, 2);
    assert_int_equal(client.pid, 3);
    wire_close(&accepted);
}

static void
test_broker(void **state)
{
    struct proxy_listen agent;
    struct wire_error error;
    uint8_t number;
    int parent;
    int relay;
    int fd = -1;
    pid_t pid;

    (void)state;
    assert_int_equal(proxy_broker_pair(&parent, &relay), 0);
    assert_int_equal(proxy_broker_listen(parent, &number), PROXY_BROKER_QUIET);
    pid = parent_answers(parent, 0, PROXY_BROKER_HERE);
    assert_int_equal(proxy_broker_ask(relay, 1, EVER(), &fd),
                     PROXY_BROKER_NOBODY);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    pid = parent_answers(parent, 0, PROXY_BROKER_OFTEN);
    assert_int_equal(proxy_broker_ask(relay, 2, EVER(), &fd),
                     PROXY_BROKER_OFTEN);
    expect_exit(pid);
    assert_true(opens(&agent, &error));
    pid = parent_answers(parent, 0, PROXY_BROKER_HERE);
    assert_int_equal(proxy_broker_ask(relay, 3, EVER(), &fd),
                     PROXY_BROKER_HERE);
    expect_exit(pid);
    expect_client(agent.fd);
    wire_close(&fd);
    proxy_listen_close(&agent);
    wire_close(&parent);
    assert_int_equal(proxy_broker_ask(relay, 4, EVER(), &fd),
                     PROXY_BROKER_LOST);
    assert_int_equal(fd, -1);
    wire_close(&relay);
}

/* An answer that nobody waited for any more is none to whoever asks next. */
static void
test_broker_late(void **state)
{
    struct proxy_listen agent;
    struct wire_error error;
    uint8_t number;
    int parent;
    int relay;
    int fd = -1;
    pid_t pid;

    (void)state;
    assert_true(opens(&agent, &error));
    assert_int_equal(proxy_broker_pair(&parent, &relay), 0);
    /* Who has no time left does not ask. */
    assert_int_equal(proxy_broker_ask(relay, 1, wire_clock_ms(), &fd),
                     PROXY_BROKER_NOBODY);
    assert_int_equal(proxy_broker_listen(parent, &number), PROXY_BROKER_QUIET);
    /* It is there before the next one asks. */
    assert_int_equal(proxy_broker_ask(relay, 2, SOON(), &fd),
                     PROXY_BROKER_NOBODY);
    assert_int_equal(proxy_broker_listen(parent, &number), PROXY_BROKER_ASKED);
    assert_int_equal(number, 2);
    assert_true(proxy_broker_give(parent, number, path, 1, 2, 3));
    expect_client(agent.fd);
    pid = parent_answers(parent, 0, PROXY_BROKER_OFTEN);
    assert_int_equal(proxy_broker_ask(relay, 3, EVER(), &fd),
                     PROXY_BROKER_OFTEN);
    assert_int_equal(fd, -1);
    expect_exit(pid);
    /* It comes while the next one waits; the parent does not see his ask, but
     * the one that follows the stale answer. */
    assert_int_equal(proxy_broker_ask(relay, 4, SOON(), &fd),
                     PROXY_BROKER_NOBODY);
    pid = parent_answers(parent, 300, PROXY_BROKER_HERE);
    (void)nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
    assert_int_equal(proxy_broker_ask(relay, 5, wire_clock_ms() + 1000, &fd),
                     PROXY_BROKER_NOBODY);
    assert_int_equal(fd, -1);
    expect_exit(pid);
    expect_client(agent.fd);
    assert_int_equal(proxy_broker_listen(parent, &number), PROXY_BROKER_ASKED);
    assert_int_equal(number, 5);
    assert_int_equal(proxy_broker_listen(parent, &number), PROXY_BROKER_ASKED);
    assert_int_equal(number, 5);
    wire_close(&parent);
    wire_close(&relay);
    proxy_listen_close(&agent);
}

/* A relay that asks and never listens gets one answer, and nobody waits. */
static void
test_broker_deaf(void **state)
{
    uint8_t number;
    int parent;
    int relay;
    unsigned n = 0;

    (void)state;
    assert_int_equal(proxy_broker_pair(&parent, &relay), 0);
    for (uint8_t i = 0; i < 10; i++) {
        assert_int_equal(send(relay, (uint8_t[]){'a', i}, 2, 0), 2);
        assert_int_equal(proxy_broker_listen(parent, &number),
                         i == 0 ? PROXY_BROKER_ASKED : PROXY_BROKER_QUIET);
        if (i == 0)
            assert_true(proxy_broker_deny(parent, i, PROXY_BROKER_NOBODY));
    }
    while (n < 100000 && proxy_broker_deny(parent, 0, PROXY_BROKER_NOBODY))
        n++;
    assert_true(n > 0 && n < 100000);
    assert_int_equal(send(relay, "x", 1, 0), 1);
    assert_int_equal(proxy_broker_listen(parent, &number), PROXY_BROKER_OVER);
    wire_close(&relay);
    assert_int_equal(proxy_broker_listen(parent, &number), PROXY_BROKER_OVER);
    wire_close(&parent);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
    const struct CMUnitTest tests[] = {
        TEST(test_own),    TEST(test_left_over),   TEST(test_passed),
        TEST(test_ready),  TEST(test_upstream),    TEST(test_ratelimit),
        TEST(test_broker), TEST(test_broker_deaf), TEST(test_broker_late),
    };

    signal(SIGPIPE, SIG_IGN);
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
