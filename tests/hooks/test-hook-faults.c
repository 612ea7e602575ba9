/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/hooks/test-hook-faults.c - the exchange with an agent that does not
 * behave: silent, gone, of another version, or talking nonsense
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
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define DOMAIN "remora: domain 'web1': "

#define RESTART "restart it with 'systemctl restart remorad', then try again\n"
#define JOURNAL "see 'journalctl -u remorad', then try again\n"

static const char no_greeting[] =
    DOMAIN "the agent (remorad) accepted no request in 5 s: " RESTART;
static const char twice[] = DOMAIN
    "the agent (remorad) ended the connection twice without an answer: " JOURNAL;

static struct run
start(const char *operation)
{
    return run_start("web1", operation, "begin", input_of(OURS, strlen(OURS)));
}

static void
hear(int fd, enum wire_op op)
{
    agent_expect(fd, op, "web1", OURS, strlen(OURS));
}

/* Three waits of 5 s, side by side: an agent that is stopped, one that accepts
 * and is wedged, and a libvirt that keeps standard input open. */
static void
test_silence(void **state)
{
    int listener = agent_listen();
    struct run wedged = start("prepare");
    int fd = agent_accept(listener);
    struct run stopped = start("migrate");
    struct run slow;
    int pipes[2];

    (void)state;
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    agent_send(pipes[1], OURS, strlen(OURS));
    slow = run_start("web1", "restore", "begin", pipes[0]);
    run_expect_refusal(&wedged, no_greeting);
    run_expect_refusal(&stopped, no_greeting);
    run_expect_refusal(&slow, DOMAIN "libvirt did not hand over its XML in 5 "
                                     "s: see libvirt's log, then try again\n");
    wire_close(&pipes[1]);
    wire_close(&fd);
    wire_close(&listener);
}

static void
test_no_answer(void **state)
{
    int listener = agent_listen();

    (void)state;
    EACH_ASKING(asking)
    {
        struct run run = start(asking->operation);
        int fd = agent_accept(listener);

        agent_greet(fd, 200);
        run_expect_refusal(&run,
                           DOMAIN "the agent (remorad) did not answer in 0.2 "
                                  "s: " JOURNAL);
        wire_close(&fd);
    }
    /* It is not asked again: it is there. */
    assert_untouched(listener);
    wire_close(&listener);
}

/* An answer that never ends, though each byte of it comes in time. */
static void
test_endless_answer(void **state)
{
    int listener = agent_listen();
    struct run run = start("migrate");
    int fd = agent_accept(listener);
    struct wire_answer answer;
    const struct timespec pause = {.tv_nsec = 1000000};

    (void)state;
    agent_greet(fd, 300);
    wire_answer_init(&answer, WIRE_ALLOW, 0, WIRE_OUTPUT_MAX);
    agent_send(fd, &answer, sizeof(answer));
    while (send(fd, "x", 1, MSG_NOSIGNAL) == 1)
        nanosleep(&pause, NULL);
    run_expect_refusal(&run, DOMAIN "the agent (remorad) did not answer in 0.3 "
                                    "s: " JOURNAL);
    wire_close(&fd);
    wire_close(&listener);
}

/* A request that the agent never reads, and that no socket can hold. */
static void
test_unread_request(void **state)
{
    char *xml = malloc(WIRE_BODY_MAX);
    int listener = agent_listen();
    struct run run;
    int fd;

    (void)state;
    assert_non_null(xml);
    memset(xml, ' ', WIRE_BODY_MAX);
    memcpy(xml, OURS, strlen(OURS));
    run = run_start("web1", "prepare", "begin", input_of(xml, WIRE_BODY_MAX));
    fd = agent_accept(listener);
    agent_greet(fd, 300);
    run_expect_refusal(&run, DOMAIN "the agent (remorad) did not answer in 0.3 "
                                    "s: " JOURNAL);
    wire_close(&fd);

    /* It may say so instead, and go. */
    run = run_start("web1", "prepare", "begin", input_of(xml, WIRE_BODY_MAX));
    fd = agent_accept(listener);
    agent_greet(fd, 30000);
    agent_answer(fd, WIRE_REFUSE, "not now", NULL, 0);
    wire_close(&fd);
    run_expect_refusal(&run, "remora: not now\n");
    assert_untouched(listener);
    wire_close(&listener);
    free(xml);
}

/* How far the agent comes before it goes. */
enum stage { ACCEPTED, GREETED, HEARD, HALF_HEADER, HALF_OUTPUT, STAGES };

static void
go_at(int listener, enum stage stage, enum wire_op op)
{
    int fd = agent_accept(listener);
    struct wire_answer answer;

    wire_answer_init(&answer, WIRE_ALLOW, 2, 4);
    if (stage >= GREETED)
        agent_greet(fd, 30000);
    if (stage >= HEARD)
        hear(fd, op);
    if (stage == HALF_HEADER)
        agent_send(fd, &answer, sizeof(answer) / 2);
    if (stage == HALF_OUTPUT) {
        agent_send(fd, &answer, sizeof(answer));
        agent_send(fd, "hmxx", 4);
    }
    wire_close(&fd);
}

/* An upgrade: the old agent goes, the new one answers. */
static void
test_gone_once(void **state)
{
    int listener = agent_listen();

    (void)state;
    EACH_ASKING(asking)
    {
        for (enum stage stage = ACCEPTED; stage < STAGES; stage++) {
            struct run run = start(asking->operation);
            int fd;

            go_at(listener, stage, asking->op);
            fd = agent_accept(listener);
            agent_greet(fd, 30000);
            hear(fd, asking->op);
            agent_answer(fd, WIRE_ALLOW, "", "new", 3);
            run_end(&run);
            assert_string_equal(run.err, "");
            assert_string_equal(run.out, asking->filter ? "new" : "");
            assert_int_equal(run.status, 0);
            run_clear(&run);
            wire_close(&fd);
        }
    }
    assert_untouched(listener);
    wire_close(&listener);
}

/* Whoever ends it before the greeting may be an agent that is being killed:
 * the hook comes back until somebody greets. */
static void
test_turned_away(void **state)
{
    int listener = agent_listen();
    struct run run = start("restore");

    (void)state;
    for (int i = 0; i < 5; i++)
        go_at(listener, ACCEPTED, WIRE_RESTORE);
    go_at(listener, ACCEPTED + 1, WIRE_RESTORE);
    for (int i = 0; i < 5; i++)
        go_at(listener, ACCEPTED, WIRE_RESTORE);
    go_at(listener, ACCEPTED + 1, WIRE_RESTORE);
    run_expect_refusal(&run, twice);
    assert_untouched(listener);
    wire_close(&listener);
}

static void
test_gone_twice(void **state)
{
    int listener = agent_listen();

    (void)state;
    for (enum stage first = ACCEPTED + 1; first < STAGES; first++) {
        for (enum stage second = ACCEPTED + 1; second < STAGES; second++) {
            struct run run = start("restore");

            go_at(listener, first, WIRE_RESTORE);
            go_at(listener, second, WIRE_RESTORE);
            run_expect_refusal(&run, twice);
        }
    }
    assert_untouched(listener);
    wire_close(&listener);
}

/* Every shortened answer is none. */
static void
test_shortened_answers(void **state)
{
    int listener = agent_listen();
    char bytes[sizeof(struct wire_answer) + 6];
    struct wire_answer answer;

    (void)state;
    wire_answer_init(&answer, WIRE_ALLOW, 2, 4);
    memcpy(bytes, &answer, sizeof(answer));
    memcpy(bytes + sizeof(answer), "hm<a/>", 6);
    for (size_t len = 0; len < sizeof(bytes); len++) {
        struct run run = start("migrate");

        for (int i = 0; i < 2; i++) {
            int fd = agent_accept(listener);

            agent_greet(fd, 30000);
            hear(fd, WIRE_MIGRATE);
            agent_send(fd, bytes, len);
            wire_close(&fd);
        }
        run_expect_refusal(&run, twice);
    }
    wire_close(&listener);
}

static void
test_byte_by_byte(void **state)
{
    int listener = agent_listen();
    struct run run = start("migrate");
    int fd = agent_accept(listener);
    struct wire_greeting greeting;
    struct wire_answer answer;

    (void)state;
    wire_greeting_init(&greeting, 30000);
    for (size_t i = 0; i < sizeof(greeting); i++)
        agent_send(fd, (char *)&greeting + i, 1);
    hear(fd, WIRE_MIGRATE);
    wire_answer_init(&answer, WIRE_ALLOW, 2, 4);
    for (size_t i = 0; i < sizeof(answer); i++)
        agent_send(fd, (char *)&answer + i, 1);
    for (size_t i = 0; i < 6; i++)
        agent_send(fd, "hm<a/>" + i, 1);
    run_end(&run);
    assert_string_equal(run.out, "<a/>");
    assert_string_equal(run.err, "");
    assert_int_equal(run.status, 0);
    run_clear(&run);
    wire_close(&fd);
    wire_close(&listener);
}

static void
expect_bad_greeting(const struct wire_greeting *greeting, const char *reason)
{
    int listener = agent_listen();
    struct run run = start("prepare");
    int fd = agent_accept(listener);
    char line[512];

    agent_send(fd, greeting, sizeof(*greeting));
    snprintf(line, sizeof(line),
             DOMAIN "the agent (remorad) sent a greeting that cannot be read: "
                    "%s: " RESTART,
             reason);
    run_expect_refusal(&run, line);
    assert_untouched(listener);
    wire_close(&fd);
    wire_close(&listener);
}

static void
test_bad_greetings(void **state)
{
    struct wire_greeting greeting;

    (void)state;
    wire_greeting_init(&greeting, 0);
    expect_bad_greeting(&greeting, "it leaves no time for an answer");
    wire_greeting_init(&greeting, 30000);
    greeting.magic++;
    expect_bad_greeting(&greeting, "it is not of remora's protocol");
    wire_greeting_init(&greeting, 30000);
    greeting.reserved = 1;
    expect_bad_greeting(&greeting, "its reserved field is not 0");
}

static void
expect_bad_answer(const struct wire_answer *answer, const char *reason)
{
    int listener = agent_listen();
    struct run run = start("migrate");
    int fd = agent_accept(listener);
    char line[512];

    agent_greet(fd, 30000);
    hear(fd, WIRE_MIGRATE);
    agent_send(fd, answer, sizeof(*answer));
    snprintf(line, sizeof(line),
             DOMAIN "the agent (remorad) sent an answer that cannot be read: "
                    "%s: " RESTART,
             reason);
    run_expect_refusal(&run, line);
    assert_untouched(listener);
    wire_close(&fd);
    wire_close(&listener);
}

static void
test_bad_answers(void **state)
{
    struct wire_answer good, bad;

    (void)state;
    wire_answer_init(&good, WIRE_ALLOW, 0, 0);
    bad = good;
    bad.magic = 0;
    expect_bad_answer(&bad, "it is not of remora's protocol");
    bad = good;
    bad.version++;
    expect_bad_answer(&bad, "it is of another version of remora");
    bad = good;
    bad.verdict = WIRE_BUSY + 1;
    expect_bad_answer(&bad, "its verdict is unknown");
    bad = good;
    bad.message_len = WIRE_MESSAGE_MAX + 1;
    expect_bad_answer(&bad, "its message is too long");
    bad = good;
    bad.output_len = UINT32_MAX;
    expect_bad_answer(&bad, "its output is too long");
    bad = good;
    bad.reserved = 1;
    expect_bad_answer(&bad, "its reserved field is not 0");
}

static void
test_unreachable(void **state)
{
    (void)state;
    EACH_ASKING(asking)
    {
        struct run run;

        assert_int_equal(symlink("hook.sock", "run/" WIRE_HOOK_SOCKET), 0);
        run = start(asking->operation);
        run_expect_refusal(
            &run, DOMAIN "cannot connect to the agent (remorad) at "
                         "'run/hook.sock': Too many levels of symbolic links: "
                         "check the socket's owner and mode, and what AppArmor "
                         "or SELinux denied\n");
        assert_int_equal(unlink("run/" WIRE_HOOK_SOCKET), 0);
    }
}

/* Connections until one more would have to wait; returns how many. */
static int
fill_queue(int *ret_fds, int max)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n;

    strcpy(address.sun_path, "run/" WIRE_HOOK_SOCKET);
    for (n = 0; n < max; n++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        assert_true(fd >= 0);
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
            assert_int_equal(errno, EAGAIN);
            wire_close(&fd);
            return n;
        }
        ret_fds[n] = fd;
    }
    fail_msg("the queue takes more than %d connections", max);
    return n;
}

/* Until the process sleeps, which is all that is left to do for the hook. */
static void
wait_until_asleep(pid_t pid)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    char path[64], text[256], state;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    do {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t len;

        assert_true(fd >= 0);
        len = read(fd, text, sizeof(text) - 1);
        wire_close(&fd);
        assert_true(len > 0);
        text[len] = '\0';
        assert_int_equal(sscanf(strrchr(text, ')'), ") %c", &state), 1);
        assert_int_not_equal(state, 'Z');
        nanosleep(&pause, NULL);
    } while (state != 'S');
}

static void
test_full_queue(void **state)
{
    int listener = agent_listen_queue(1);
    int fillers[16];
    int n = fill_queue(fillers, 16);
    struct run run = start("prepare");
    int fd;

    (void)state;
    assert_int_not_equal(n, 0);
    wait_until_asleep(run.pid);
    for (int i = 0; i < n; i++) {
        fd = agent_accept(listener);
        wire_close(&fd);
        wire_close(&fillers[i]);
    }
    fd = agent_accept(listener);
    agent_greet(fd, 30000);
    hear(fd, WIRE_PREPARE);
    agent_answer(fd, WIRE_ALLOW, "", NULL, 0);
    run_expect_quiet(&run);
    wire_close(&fd);

    /* And one that stays full. */
    n = fill_queue(fillers, 16);
    run = start("prepare");
    run_expect_refusal(&run, no_greeting);
    for (int i = 0; i < n; i++)
        wire_close(&fillers[i]);
    wire_close(&listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, here_enter, here_leave)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_silence),           TEST(test_no_answer),
        TEST(test_endless_answer),    TEST(test_unread_request),
        TEST(test_gone_once),         TEST(test_gone_twice),
        TEST(test_turned_away),       TEST(test_byte_by_byte),
        TEST(test_shortened_answers), TEST(test_bad_greetings),
        TEST(test_bad_answers),       TEST(test_unreachable),
        TEST(test_full_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
