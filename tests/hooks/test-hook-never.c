/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/hooks/test-hook-never.c - the operations that must not fail, whatever
 * the agent, the XML or the caller is like
 */
#include "config.h"

#include "tests/hooks/hook-here.h"

#include "hooks/wire/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct telling {
    const char *operation;
    const char *suboperation;
    enum wire_op op;
};

static const struct telling tellings[] = {
    {"started", "begin", WIRE_STARTED},
    {"stopped", "end", WIRE_STOPPED},
    {"release", "end", WIRE_RELEASE},
};

#define EACH_TELLING(telling)                                                  \
    for (const struct telling *telling = tellings; telling < tellings + 3;     \
         telling++)

static struct run
start(const struct telling *telling, const void *xml, size_t len)
{
    return run_start("web1", telling->operation, telling->suboperation,
                     input_of(xml, len));
}

/* One datagram has come: this domain, with so much of the XML. */
static void
expect_datagram(int notify, enum wire_op op, const void *xml, size_t xml_len)
{
    static char bytes[WIRE_DATAGRAM_MAX + 1];
    ssize_t len = recv(notify, bytes, sizeof(bytes), MSG_DONTWAIT);
    struct wire_request request;

    assert_int_equal(len, sizeof(request) + 4 + xml_len);
    memcpy(&request, bytes, sizeof(request));
    assert_null(wire_request_check(&request));
    assert_int_equal(request.op, op);
    assert_int_equal(request.name_len, 4);
    assert_int_equal(request.body_len, xml_len);
    assert_memory_equal(bytes + sizeof(request), "web1", 4);
    assert_memory_equal(bytes + sizeof(request) + 4, xml, xml_len);
    assert_untouched(notify);
}

static void
test_datagrams(void **state)
{
    const size_t max = WIRE_DATAGRAM_MAX - sizeof(struct wire_request) - 4;
    char *xml = malloc(WIRE_BODY_MAX);
    int listener = agent_listen();
    int notify = agent_bind_notify();

    (void)state;
    assert_non_null(xml);
    memset(xml, ' ', WIRE_BODY_MAX);
    memcpy(xml, OURS, strlen(OURS));
    EACH_TELLING(telling)
    {
        struct run run = start(telling, OURS, strlen(OURS));

        run_expect_quiet(&run);
        expect_datagram(notify, telling->op, OURS, strlen(OURS));
        run = start(telling, xml, max);
        run_expect_quiet(&run);
        expect_datagram(notify, telling->op, xml, max);
        run = start(telling, xml, max + 1);
        run_expect_quiet(&run);
        expect_datagram(notify, telling->op, "", 0);
        run = start(telling, xml, WIRE_BODY_MAX);
        run_expect_quiet(&run);
        expect_datagram(notify, telling->op, "", 0);
    }
    assert_untouched(listener);
    wire_close(&listener);
    wire_close(&notify);
    free(xml);
}

/* Nothing to send it to: no socket, one that nobody has, another kind, a loop;
 * and no remorad to do the work. */
static void
test_no_receiver(void **state)
{
    const char *path = "run/" WIRE_NOTIFY_SOCKET;
    const char *stream = "run/" WIRE_HOOK_SOCKET;

    (void)state;
    EACH_TELLING(telling)
    {
        struct run run = start(telling, OURS, strlen(OURS));
        int fd;

        run_expect_quiet(&run);
        fd = agent_bind_notify();
        wire_close(&fd);
        run = start(telling, OURS, strlen(OURS));
        run_expect_quiet(&run);
        assert_int_equal(unlink(path), 0);
        fd = agent_listen();
        assert_int_equal(rename(stream, path), 0);
        run = start(telling, OURS, strlen(OURS));
        run_expect_quiet(&run);
        assert_untouched(fd);
        wire_close(&fd);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink(WIRE_NOTIFY_SOCKET, path), 0);
        run = start(telling, OURS, strlen(OURS));
        run_expect_quiet(&run);
        assert_int_equal(unlink(path), 0);
    }
}

/* An agent that is stopped: its queue is full, and the hook does not wait. */
static void
test_full_queue(void **state)
{
    int notify = agent_bind_notify();
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)state;
    strcpy(address.sun_path, "run/" WIRE_NOTIFY_SOCKET);
    assert_int_equal(
        connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    while (send(fd, "x", 1, 0) == 1)
        ;
    assert_int_equal(errno, EAGAIN);
    EACH_TELLING(telling)
    {
        struct run run = start(telling, OURS, strlen(OURS));

        run_expect_quiet(&run);
    }
    wire_close(&fd);
    wire_close(&notify);
}

static void
test_bad_callers(void **state)
{
    char *xml = malloc(WIRE_BODY_MAX + 1);
    char name[WIRE_NAME_MAX + 2] = {0};
    int notify = agent_bind_notify();

    (void)state;
    assert_non_null(xml);
    memset(xml, ' ', WIRE_BODY_MAX + 1);
    memcpy(xml, OURS, strlen(OURS));
    memset(name, 'n', WIRE_NAME_MAX + 1);
    EACH_TELLING(telling)
    {
        struct run run = start(telling, xml, WIRE_BODY_MAX + 1);

        run_expect_quiet(&run);
        run = run_start(name, telling->operation, telling->suboperation,
                        input_of(OURS, strlen(OURS)));
        run_expect_quiet(&run);
        run = run_start("", telling->operation, telling->suboperation,
                        input_of(OURS, strlen(OURS)));
        run_expect_quiet(&run);
        run = run_start("web1", telling->operation, telling->suboperation,
                        open("/", O_RDONLY | O_CLOEXEC));
        run_expect_quiet(&run);
        run = run_start("web1", telling->operation, telling->suboperation, -1);
        run_expect_quiet(&run);
    }
    assert_untouched(notify);
    wire_close(&notify);
    free(xml);
}

/* Of these the hook does not even read the XML: the pipe never ends, and all
 * of its bytes are there afterwards. */
static void
test_idle(void **state)
{
    static const char *const idle[][2] = {
        {"start", "begin"},    {"reconnect", "begin"}, {"attach", "begin"},
        {"prepare", "end"},    {"migrate", "-"},       {"restore", ""},
        {"started", "end"},    {"stopped", "begin"},   {"release", "begin"},
        {"reconnect", "end"},  {"tomorrow", "begin"},  {"", ""},
        {"prepare", "begin "}, {"--help", "--help"},
    };
    int listener = agent_listen();
    int notify = agent_bind_notify();

    (void)state;
    for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++) {
        int pipes[2], left = 0;
        struct run run;

        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        agent_send(pipes[1], OURS, strlen(OURS));
        run = run_start("web1", idle[i][0], idle[i][1],
                        fcntl(pipes[0], F_DUPFD_CLOEXEC, 3));
        run_expect_quiet(&run);
        assert_int_equal(ioctl(pipes[0], FIONREAD, &left), 0);
        assert_int_equal(left, strlen(OURS));
        wire_close(&pipes[0]);
        wire_close(&pipes[1]);
    }
    assert_untouched(listener);
    assert_untouched(notify);
    wire_close(&listener);
    wire_close(&notify);
}

/* Whoever calls it by hand is told, and even that is no refusal. */
static void
test_usage(void **state)
{
    struct run run = run_start("web1", "prepare", NULL, -1);

    (void)state;
    run_end(&run);
    assert_int_equal(run.status, 0);
    assert_int_equal(run.out_len, 0);
    assert_string_equal(run.err, "remora: usage: qemu-hook DOMAIN OPERATION "
                                 "SUBOPERATION EXTRA, with the domain's XML on "
                                 "standard input: libvirt runs it\n");
    run_clear(&run);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, here_enter, here_leave)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_datagrams),   TEST(test_no_receiver), TEST(test_full_queue),
        TEST(test_bad_callers), TEST(test_idle),        TEST(test_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
