/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/hooks/test-hook-one-shot.c - remorad in the hook's place
 *
 * This program is also the './remorad' that the hook executes: there it writes
 * down how it was called.
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
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAID "<domain>new</domain>"

#define START "start it with 'systemctl start remorad', then try again\n"

/* How many descriptors are open beside the standard ones. */
static int
count_descriptors(void)
{
    int n = 0;

    for (int fd = 3; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            n++;
    return n;
}

/* What the hook promises the program that follows it. */
static void
write_down(int argc, char **argv)
{
    int descriptors = count_descriptors();
    FILE *file = fopen("one-shot.txt", "we");
    struct sigaction pipe_action;
    sigset_t blocked;
    unsigned seconds = alarm(0);

    sigaction(SIGPIPE, NULL, &pipe_action);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    if (!file)
        abort();
    fprintf(file, "pid %d\n", (int)getpid());
    fprintf(file, "descriptors %d\n", descriptors);
    fprintf(file, "alarm %s\n", seconds > 0 && seconds <= 60 ? "set" : "wrong");
    fprintf(file, "alarm %s\n",
            sigismember(&blocked, SIGALRM) ? "blocked" : "open");
    fprintf(file, "pipe %s\n",
            pipe_action.sa_handler == SIG_DFL ? "default" : "changed");
    for (int i = 0; i < argc; i++)
        fprintf(file, "argument %s\n", argv[i]);
    fclose(file);
}

static int
be_remorad(int argc, char **argv)
{
    FILE *file;
    int byte;

    write_down(argc, argv);
    file = fopen("one-shot.xml", "we");
    if (!file)
        abort();
    while ((byte = getchar()) != EOF)
        fputc(byte, file);
    fclose(file);
    if (strcmp(argv[4], "refused") == 0) {
        fputs("remora: domain 'refused': no\n", stderr);
        return 1;
    }
    if (strcmp(argv[3], "prepare") != 0)
        fputs(SAID, stdout);
    return 0;
}

static void
install_remorad(void)
{
    char self[1024];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    assert_true(len > 0);
    self[len] = '\0';
    (void)unlink("remorad");
    assert_int_equal(symlink(self, "remorad"), 0);
}

static char *
read_and_remove(const char *path, size_t *ret_len)
{
    char *text = calloc(1, WIRE_BODY_MAX + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_non_null(text);
    if (fd < 0)
        fail_msg("there is no %s: remorad was not executed", path);
    assert_int_equal(wire_read_to_end(fd, text, WIRE_BODY_MAX,
                                      wire_clock_ms() + 60000, ret_len),
                     WIRE_IO_DONE);
    wire_close(&fd);
    assert_int_equal(unlink(path), 0);
    return text;
}

/* remorad was executed, in the hook's own process, with just this. */
static void
expect_one_shot(const struct run *run,
                const char *operation,
                const char *name,
                const void *xml,
                size_t xml_len)
{
    char expected[2048];
    size_t len;
    char *text = read_and_remove("one-shot.txt", &len);

    snprintf(expected, sizeof(expected),
             "pid %d\ndescriptors 0\nalarm set\nalarm open\npipe default\n"
             "argument ./remorad\nargument --one-shot\nargument --\n"
             "argument %s\n"
             "argument %s\n",
             (int)run->pid, operation, name);
    assert_string_equal(text, expected);
    free(text);
    text = read_and_remove("one-shot.xml", &len);
    assert_int_equal(len, xml_len);
    assert_memory_equal(text, xml, xml_len);
    free(text);
}

static struct run
start(const char *operation, const char *name)
{
    return run_start(name, operation, "begin", input_of(OURS, strlen(OURS)));
}

static void
expect_said(struct run *run, const struct asking *asking)
{
    run_end(run);
    assert_string_equal(run->err, "");
    assert_string_equal(run->out, asking->filter ? SAID : "");
    assert_int_equal(run->status, 0);
    expect_one_shot(run, asking->operation, "web1", OURS, strlen(OURS));
    run_clear(run);
}

/* No socket; a socket of an agent that died. */
static void
test_nobody(void **state)
{
    (void)state;
    install_remorad();
    EACH_ASKING(asking)
    {
        struct run run = start(asking->operation, "web1");
        int listener;

        expect_said(&run, asking);
        listener = agent_listen();
        wire_close(&listener);
        run = start(asking->operation, "web1");
        expect_said(&run, asking);
        assert_int_equal(unlink("run/" WIRE_HOOK_SOCKET), 0);
    }
}

static void
test_refused(void **state)
{
    (void)state;
    install_remorad();
    EACH_ASKING(asking)
    {
        struct run run = start(asking->operation, "refused");

        run_end(&run);
        assert_string_equal(run.err, "remora: domain 'refused': no\n");
        assert_int_equal(run.out_len, 0);
        assert_int_equal(run.status, 1);
        expect_one_shot(&run, asking->operation, "refused", OURS, strlen(OURS));
        run_clear(&run);
    }
}

static void
test_largest(void **state)
{
    char *xml = malloc(WIRE_BODY_MAX);
    char name[WIRE_NAME_MAX + 1] = {0};
    struct run run;

    (void)state;
    assert_non_null(xml);
    memset(xml, ' ', WIRE_BODY_MAX);
    memcpy(xml + WIRE_BODY_MAX - strlen(OURS), OURS, strlen(OURS));
    memset(name, 'n', WIRE_NAME_MAX);
    install_remorad();
    run = run_start(name, "prepare", "begin", input_of(xml, WIRE_BODY_MAX));
    run_end(&run);
    assert_string_equal(run.err, "");
    assert_int_equal(run.status, 0);
    expect_one_shot(&run, "prepare", name, xml, WIRE_BODY_MAX);
    run_clear(&run);
    free(xml);
}

/* Newer and older agents than the hook. */
static void
test_another_version(void **state)
{
    const uint32_t versions[] = {0, WIRE_VERSION + 1, UINT32_MAX};
    int listener = agent_listen();

    (void)state;
    install_remorad();
    EACH_ASKING(asking)
    {
        for (size_t i = 0; i < 3; i++) {
            struct run run = start(asking->operation, "web1");
            int fd = agent_accept(listener);
            struct wire_greeting greeting;

            wire_greeting_init(&greeting, 30000);
            greeting.version = versions[i];
            /* Nothing else in it is known to be what it is here. */
            greeting.deadline_ms = 0;
            greeting.reserved = 7;
            agent_send(fd, &greeting, sizeof(greeting));
            expect_said(&run, asking);
            wire_close(&fd);
        }
    }
    assert_untouched(listener);
    wire_close(&listener);
}

/* The old agent goes without an answer, and no new one comes. */
static void
test_gone(void **state)
{
    (void)state;
    install_remorad();
    EACH_ASKING(asking)
    {
        int listener = agent_listen();
        struct run run = start(asking->operation, "web1");
        int fd = agent_accept(listener);

        agent_greet(fd, 30000);
        agent_expect(fd, asking->op, "web1", OURS, strlen(OURS));
        wire_close(&listener);
        wire_close(&fd);
        expect_said(&run, asking);
    }
}

static void
expect_not_executed(const char *reason)
{
    EACH_ASKING(asking)
    {
        struct run run = start(asking->operation, "web1");
        char line[512];

        snprintf(line, sizeof(line),
                 "remora: domain 'web1': the agent (remorad) is not running, "
                 "and './remorad' cannot be executed in its place: %s: " START,
                 reason);
        run_expect_refusal(&run, line);
    }
}

static void
test_not_executable(void **state)
{
    int fd;

    (void)state;
    expect_not_executed("No such file or directory");
    fd = open("remorad", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    expect_not_executed("Permission denied");
    assert_int_equal(fchmod(fd, 0755), 0);
    wire_close(&fd);
    expect_not_executed("Exec format error");
}

/* A name must not become an option of a program that runs as root. */
static void
test_option(void **state)
{
    (void)state;
    install_remorad();
    EACH_ASKING(asking)
    {
        struct run run = start(asking->operation, "--config=x");

        run_end(&run);
        assert_int_equal(run.status, 0);
        expect_one_shot(&run, asking->operation, "--config=x", OURS,
                        strlen(OURS));
        run_clear(&run);
    }
}

/* No foreign domain, and no operation that nobody serves, executes anything. */
static void
test_not_called_for(void **state)
{
    static const char *const operations[][2] = {
        {"start", "begin"},     {"attach", "begin"},  {"started", "end"},
        {"reconnect", "begin"}, {"stopped", "begin"}, {"tomorrow", "begin"},
    };

    (void)state;
    install_remorad();
    EACH_ASKING(asking)
    {
        struct run run = run_start("web1", asking->operation, "begin",
                                   input_of(FOREIGN, strlen(FOREIGN)));

        run_expect_quiet(&run);
    }
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        struct run run = run_start("web1", operations[i][0], operations[i][1],
                                   input_of(OURS, strlen(OURS)));

        run_expect_quiet(&run);
    }
    assert_int_equal(access("one-shot.txt", F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, here_enter, here_leave)

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nobody),  TEST(test_refused),
        TEST(test_largest), TEST(test_another_version),
        TEST(test_gone),    TEST(test_not_executable),
        TEST(test_option),  TEST(test_not_called_for),
    };
    sigset_t alarms;

    if (argc == 5 && strcmp(argv[1], "--one-shot") == 0)
        return be_remorad(argc, argv);
    /* Whoever started the hook may have had its own use for the alarm. */
    signal(SIGALRM, SIG_IGN);
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    sigprocmask(SIG_BLOCK, &alarms, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
