/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/hooks/test-hook-ask.c - the exchange with an agent that behaves
 */
#include "config.h"

#include "tests/hooks/hook-here.h"

#include "hooks/wire/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AGAIN "see libvirt's log, then try again\n"

static int
ours(void)
{
    return input_of(OURS, strlen(OURS));
}

/* Accepts, greets, and hears the request for OURS. */
static int
hear_ours(int listener, enum wire_op op)
{
    int fd = agent_accept(listener);

    agent_greet(fd, 30000);
    agent_expect(fd, op, "web1", OURS, strlen(OURS));
    return fd;
}

static void
test_allowed(void **state)
{
    int listener = agent_listen();

    (void)state;
    EACH_ASKING(asking)
    {
        struct run run = run_start("web1", asking->operation, "begin", ours());
        int fd = hear_ours(listener, asking->op);

        /* What the agent remarks on what it allows is not for libvirt. */
        agent_answer(fd, WIRE_ALLOW, "by the way", NULL, 0);
        run_expect_quiet(&run);
        wire_close(&fd);
    }
    assert_untouched(listener);
    wire_close(&listener);
}

static void
test_refused(void **state)
{
    int listener = agent_listen();

    (void)state;
    EACH_ASKING(asking)
    {
        struct run run = run_start("web1", asking->operation, "begin", ours());
        int fd = hear_ours(listener, asking->op);

        agent_answer(fd, WIRE_REFUSE, "domain 'web1': disk 'vda': no",
                     "<domain/>", 9);
        run_expect_refusal(&run, "remora: domain 'web1': disk 'vda': no\n");
        wire_close(&fd);
    }
    assert_untouched(listener);
    wire_close(&listener);
}

/* One line stays one line, and the longest message is whole. */
static void
test_messages(void **state)
{
    int listener = agent_listen();
    static char message[WIRE_MESSAGE_MAX + 1], line[WIRE_MESSAGE_MAX + 10];
    struct run run = run_start("web1", "prepare", "begin", ours());
    int fd = hear_ours(listener, WIRE_PREPARE);

    (void)state;
    agent_answer(fd, WIRE_REFUSE, "a\nb\tc\033[1md\177e\xc3\xa9\r\n", NULL, 0);
    run_expect_refusal(&run, "remora: a b c [1md e\xc3\xa9\n");
    wire_close(&fd);

    memset(message, 'm', WIRE_MESSAGE_MAX);
    message[WIRE_MESSAGE_MAX] = '\0';
    strcpy(line, "remora: ");
    strcat(line, message);
    strcat(line, "\n");
    run = run_start("web1", "prepare", "begin", ours());
    fd = hear_ours(listener, WIRE_PREPARE);
    agent_answer(fd, WIRE_REFUSE, message, NULL, 0);
    run_expect_refusal(&run, line);
    wire_close(&fd);

    run = run_start("web1", "prepare", "begin", ours());
    fd = hear_ours(listener, WIRE_PREPARE);
    agent_answer(fd, WIRE_REFUSE, "", NULL, 0);
    run_expect_refusal(&run, "remora: domain 'web1': the agent (remorad) "
                             "refused without saying why: see 'journalctl "
                             "-u remorad'\n");
    wire_close(&fd);
    wire_close(&listener);
}

/* A filter's new XML goes to libvirt byte for byte; nobody else's does. */
static void
test_output(void **state)
{
    static char output[WIRE_OUTPUT_MAX];
    const size_t lengths[] = {1, 5000, WIRE_OUTPUT_MAX};
    int listener = agent_listen();

    (void)state;
    for (size_t i = 0; i < sizeof(output); i++)
        output[i] = (char)(i * 31 + (i >> 12));
    EACH_ASKING(asking)
    {
        for (size_t i = 0; i < 3; i++) {
            struct run run =
                run_start("web1", asking->operation, "begin", ours());
            int fd = hear_ours(listener, asking->op);

            agent_answer(fd, WIRE_ALLOW, "", output, lengths[i]);
            if (asking->filter) {
                run_end(&run);
                assert_string_equal(run.err, "");
                assert_int_equal(run.status, 0);
                assert_int_equal(run.out_len, lengths[i]);
                assert_memory_equal(run.out, output, lengths[i]);
                run_clear(&run);
            } else {
                run_expect_quiet(&run);
            }
            wire_close(&fd);
        }
    }
    wire_close(&listener);
}

/* libvirt must not take half of the XML for all of it. */
static void
test_output_fails(void **state)
{
    int listener = agent_listen();
    int pipes[2], full, fd;
    struct run run;

    (void)state;
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    wire_close(&pipes[0]);
    run = run_start_to("web1", "migrate", "begin", ours(), pipes[1]);
    fd = hear_ours(listener, WIRE_MIGRATE);
    agent_answer(fd, WIRE_ALLOW, "", OURS, strlen(OURS));
    run_expect_refusal(&run, "remora: domain 'web1': cannot hand its new XML "
                             "to libvirt: it closed the pipe: " AGAIN);
    wire_close(&fd);

    full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    run = run_start_to("web1", "restore", "begin", ours(), full);
    fd = hear_ours(listener, WIRE_RESTORE);
    agent_answer(fd, WIRE_ALLOW, "", OURS, strlen(OURS));
    run_expect_refusal(&run, "remora: domain 'web1': cannot hand its new XML "
                             "to libvirt: No space left on device: " AGAIN);
    wire_close(&fd);
    wire_close(&listener);
}

/* A foreign domain touches no socket, whether or not anybody listens. */
static void
test_foreign(void **state)
{
    static const char *const operations[][2] = {
        {"prepare", "begin"}, {"migrate", "begin"}, {"restore", "begin"},
        {"started", "begin"}, {"stopped", "end"},   {"release", "end"},
    };
    int listener = -1, notify = -1;

    (void)state;
    for (int listening = 0; listening < 2; listening++) {
        if (listening) {
            listener = agent_listen();
            notify = agent_bind_notify();
        }
        for (size_t i = 0; i < 6; i++) {
            char name[WIRE_NAME_MAX + 2] = {0};
            struct run run =
                run_start("web1", operations[i][0], operations[i][1],
                          input_of(FOREIGN, strlen(FOREIGN)));

            run_expect_quiet(&run);
            memset(name, 'n', WIRE_NAME_MAX + 1);
            run = run_start(name, operations[i][0], operations[i][1],
                            input_of(FOREIGN, strlen(FOREIGN)));
            run_expect_quiet(&run);
        }
    }
    assert_untouched(listener);
    assert_untouched(notify);
    wire_close(&listener);
    wire_close(&notify);
}

static void
test_largest(void **state)
{
    char *xml = malloc(WIRE_BODY_MAX + 1);
    char name[WIRE_NAME_MAX + 2] = {0};
    int listener = agent_listen();
    struct run run;
    int fd;

    (void)state;
    assert_non_null(xml);
    memset(xml, ' ', WIRE_BODY_MAX + 1);
    /* The mark is the last thing in it. */
    memcpy(xml + WIRE_BODY_MAX - strlen(OURS), OURS, strlen(OURS));
    memset(name, 'n', WIRE_NAME_MAX);
    run = run_start(name, "prepare", "begin", input_of(xml, WIRE_BODY_MAX));
    fd = agent_accept(listener);
    agent_greet(fd, 30000);
    agent_expect(fd, WIRE_PREPARE, name, xml, WIRE_BODY_MAX);
    agent_answer(fd, WIRE_ALLOW, "", NULL, 0);
    run_expect_quiet(&run);
    wire_close(&fd);

    EACH_ASKING(asking)
    {
        run = run_start("web1", asking->operation, "begin",
                        input_of(xml, WIRE_BODY_MAX + 1));
        run_expect_refusal(&run,
                           "remora: domain 'web1': its XML is longer than "
                           "4194304 bytes: shorten its metadata with 'virsh "
                           "edit'\n");
    }
    assert_untouched(listener);
    wire_close(&listener);
    free(xml);
}

static void
test_names(void **state)
{
    char name[WIRE_NAME_MAX + 2] = {0};
    int listener = agent_listen();

    (void)state;
    memset(name, 'n', WIRE_NAME_MAX + 1);
    EACH_ASKING(asking)
    {
        struct run run = run_start(name, asking->operation, "begin", ours());

        run_end(&run);
        assert_int_equal(run.status, 1);
        assert_int_equal(run.out_len, 0);
        assert_non_null(strstr(run.err, "': its name has 1025 bytes, and 1 to "
                                        "1024 are possible: give it another "
                                        "with 'virsh domrename'\n"));
        run_clear(&run);
        run = run_start("", asking->operation, "begin", ours());
        run_expect_refusal(&run, "remora: domain '': its name has 0 bytes, "
                                 "and 1 to 1024 are possible: give it "
                                 "another with 'virsh domrename'\n");
    }
    assert_untouched(listener);
    wire_close(&listener);
}

static void
test_standard_input(void **state)
{
    int listener = agent_listen();
    int pipes[2], fd;
    struct run run;

    (void)state;
    EACH_ASKING(asking)
    {
        run = run_start("web1", asking->operation, "begin",
                        open("/", O_RDONLY | O_CLOEXEC));
        run_expect_refusal(&run, "remora: domain 'web1': cannot read its XML "
                                 "from standard input: Is a directory: " AGAIN);
        run = run_start("web1", asking->operation, "begin", -1);
        run_expect_refusal(&run,
                           "remora: domain 'web1': cannot read its XML from "
                           "standard input: Bad file descriptor: " AGAIN);
    }
    assert_untouched(listener);

    /* As libvirt does it, but in pieces, with the mark cut in two. */
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    run = run_start("web1", "prepare", "begin", pipes[0]);
    for (size_t i = 0; i < strlen(OURS); i++)
        agent_send(pipes[1], OURS + i, 1);
    assert_untouched(listener);
    wire_close(&pipes[1]);
    fd = hear_ours(listener, WIRE_PREPARE);
    agent_answer(fd, WIRE_ALLOW, "", NULL, 0);
    run_expect_quiet(&run);
    wire_close(&fd);
    wire_close(&listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, here_enter, here_leave)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_allowed), TEST(test_refused),      TEST(test_messages),
        TEST(test_output),  TEST(test_output_fails), TEST(test_foreign),
        TEST(test_largest), TEST(test_names),        TEST(test_standard_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
