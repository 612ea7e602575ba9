/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/hooks/test-hook-later.c - remorad behind the hook's back
 *
 * This program is also the './remorad' that the hook leaves behind: there it
 * writes down how it was called, and ends when it is allowed to.
 */
#include "config.h"

#include "tests/hooks/hook-here.h"

#include "hooks/qemu/one-shot.h"
#include "hooks/wire/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct telling {
    const char *operation;
    const char *suboperation;
};

static const struct telling tellings[] = {
    {"started", "begin"},
    {"stopped", "end"},
    {"release", "end"},
};

#define EACH_TELLING(telling)                                                  \
    for (const struct telling *telling = tellings; telling < tellings + 3;     \
         telling++)

/* ---- as remorad ------------------------------------------------------------ */

static int
count_descriptors(void)
{
    int n = 0;

    for (int fd = 3; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            n++;
    return n;
}

static const char *
kind_of(int fd)
{
    struct stat about;

    if (fstat(fd, &about) < 0)
        return "closed";
    return S_ISCHR(about.st_mode) && about.st_rdev == makedev(1, 3) ? "null"
                                                                    : "other";
}

/* What the hook promises the program that it leaves behind. */
static void
write_down(FILE *file, char **argv, int descriptors, unsigned seconds)
{
    struct sigaction pipe_action;
    sigset_t blocked;

    sigaction(SIGPIPE, NULL, &pipe_action);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    fprintf(file, "session %s\n", getsid(0) == getpid() ? "own" : "other");
    fprintf(file, "output %s\n", kind_of(STDOUT_FILENO));
    fprintf(file, "error %s\n", kind_of(STDERR_FILENO));
    fprintf(file, "descriptors %d\n", descriptors);
    fprintf(file, "alarm %s\n", seconds > 0 && seconds <= 60 ? "set" : "wrong");
    fprintf(file, "alarm %s\n",
            sigismember(&blocked, SIGALRM) ? "blocked" : "open");
    fprintf(file, "pipe %s\n",
            pipe_action.sa_handler == SIG_DFL ? "default" : "changed");
    for (char **argument = argv; *argument; argument++)
        fprintf(file, "argument %s\n", *argument);
}

static void
copy_input(const char *path)
{
    FILE *file = fopen(path, "we");
    int byte;

    if (!file)
        abort();
    while ((byte = getchar()) != EOF)
        fputc(byte, file);
    fclose(file);
}

/* Until the test opens the other end, if there is such a pipe. */
static void
wait_for_leave(void)
{
    int fd = open("leave", O_RDONLY | O_CLOEXEC);

    wire_close(&fd);
}

/* How many files there are in 'crowd'. */
static int
crowd(void)
{
    DIR *directory = opendir("crowd");
    int n = 0;

    if (!directory)
        abort();
    for (struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.')
            n++;
    closedir(directory);
    return n;
}

/* Is there for a while, and says how many were meanwhile. */
static void
stay_in_crowd(void)
{
    const struct timespec while_ns = {.tv_nsec = 20 * 1000 * 1000};
    char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "crowd/%d", (int)getpid());
    file = fopen(path, "we");
    if (!file)
        abort();
    fclose(file);
    (void)nanosleep(&while_ns, NULL);
    file = fopen("crowds.txt", "ae");
    if (!file)
        abort();
    fprintf(file, "%d\n", crowd());
    fclose(file);
    (void)unlink(path);
}

static int
be_remorad(char **argv)
{
    int descriptors = count_descriptors();
    unsigned seconds = alarm(0);
    FILE *file;

    if (access("crowd", F_OK) == 0) {
        stay_in_crowd();
        return 0;
    }
    file = fopen("one-shot.txt", "we");
    if (!file)
        abort();
    write_down(file, argv, descriptors, seconds);
    fclose(file);
    copy_input("one-shot.xml");
    wait_for_leave();
    return 0;
}

/* ---- as the test ----------------------------------------------------------- */

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

/* The one process that the hook left behind, to its end. */
static int
wait_for_remorad(void)
{
    int status;

    assert_true(waitpid(-1, &status, 0) > 0);
    assert_int_equal(waitpid(-1, NULL, 0), -1);
    assert_int_equal(errno, ECHILD);
    return status;
}

static void
expect_nobody_left(void)
{
    assert_int_equal(waitpid(-1, NULL, 0), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(access("one-shot.txt", F_OK), -1);
}

static void
expect_one_shot(const char *operation,
                const char *name,
                const void *xml,
                size_t xml_len)
{
    char expected[2048];
    size_t len;
    char *text;

    assert_int_equal(wait_for_remorad(), 0);
    text = read_and_remove("one-shot.txt", &len);
    /* The one descriptor is that of the lock. */
    snprintf(expected, sizeof(expected),
             "session own\noutput null\nerror null\ndescriptors 1\n"
             "alarm set\nalarm open\npipe default\n"
             "argument ./remorad\nargument --one-shot\nargument --\n"
             "argument %s\nargument %s\n",
             operation, name);
    assert_string_equal(text, expected);
    free(text);
    text = read_and_remove("one-shot.xml", &len);
    assert_int_equal(len, xml_len);
    assert_memory_equal(text, xml, xml_len);
    free(text);
}

static struct run
start(const struct telling *telling, const char *name)
{
    return run_start(name, telling->operation, telling->suboperation,
                     input_of(OURS, strlen(OURS)));
}

/* No socket; a socket of an agent that died. */
static void
test_nobody(void **state)
{
    (void)state;
    install_remorad();
    EACH_TELLING(telling)
    {
        struct run run = start(telling, "web1");
        int notify;

        run_expect_quiet(&run);
        expect_one_shot(telling->operation, "web1", OURS, strlen(OURS));
        notify = agent_bind_notify();
        wire_close(&notify);
        run = start(telling, "web1");
        run_expect_quiet(&run);
        expect_one_shot(telling->operation, "web1", OURS, strlen(OURS));
        assert_int_equal(unlink("run/" WIRE_NOTIFY_SOCKET), 0);
    }
}

/* libvirt waits for the hook, and then until nobody has its pipes: neither takes
 * as long as remorad. */
static void
test_does_not_wait(void **state)
{
    (void)state;
    install_remorad();
    assert_int_equal(mkfifo("leave", 0600), 0);
    EACH_TELLING(telling)
    {
        int pipes[2], leave;
        struct run run;
        char byte;

        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        run = run_start_to("web1", telling->operation, telling->suboperation,
                           input_of(OURS, strlen(OURS)), pipes[1]);
        run_expect_quiet(&run);
        assert_int_equal(read(pipes[0], &byte, 1), 0);
        wire_close(&pipes[0]);
        leave = open("leave", O_WRONLY | O_CLOEXEC);
        assert_true(leave >= 0);
        wire_close(&leave);
        expect_one_shot(telling->operation, "web1", OURS, strlen(OURS));
    }
    assert_int_equal(unlink("leave"), 0);
}

/* The longest XML, with the longest name. */
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
    run = run_start(name, "release", "end", input_of(xml, WIRE_BODY_MAX));
    run_expect_quiet(&run);
    expect_one_shot("release", name, xml, WIRE_BODY_MAX);
    free(xml);
}

/* A name must not become an option of a program that runs as root. */
static void
test_option(void **state)
{
    (void)state;
    install_remorad();
    EACH_TELLING(telling)
    {
        struct run run = start(telling, "--config=x");

        run_expect_quiet(&run);
        expect_one_shot(telling->operation, "--config=x", OURS, strlen(OURS));
    }
}

static void
fill_queue(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strcpy(address.sun_path, "run/" WIRE_NOTIFY_SOCKET);
    assert_int_equal(
        connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    while (send(fd, "x", 1, 0) == 1)
        ;
    assert_int_equal(errno, EAGAIN);
    wire_close(&fd);
}

/* An agent is there: one that listens, and one that is stopped. And no foreign
 * domain is remorad's business. */
static void
test_not_called_for(void **state)
{
    int notify = agent_bind_notify();

    (void)state;
    install_remorad();
    for (int full = 0; full <= 1; full++) {
        EACH_TELLING(telling)
        {
            struct run run = start(telling, "web1");

            run_expect_quiet(&run);
            expect_nobody_left();
        }
        fill_queue();
    }
    wire_close(&notify);
    EACH_TELLING(telling)
    {
        struct run run =
            run_start("web1", telling->operation, telling->suboperation,
                      input_of(FOREIGN, strlen(FOREIGN)));

        run_expect_quiet(&run);
        expect_nobody_left();
    }
}

/* What is left behind cannot do its work; the hook does not know. */
static void
expect_in_vain(void)
{
    EACH_TELLING(telling)
    {
        struct run run = start(telling, "web1");

        run_expect_quiet(&run);
        assert_int_equal(WEXITSTATUS(wait_for_remorad()), 1);
        assert_int_equal(access("one-shot.txt", F_OK), -1);
    }
}

static void
test_not_executable(void **state)
{
    int fd;

    (void)state;
    expect_in_vain();
    fd = open("remorad", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    wire_close(&fd);
    expect_in_vain();
}

/* Without the directory it is made; without its locks nothing is done. */
static void
test_no_locks(void **state)
{
    struct run run;

    (void)state;
    install_remorad();
    assert_int_equal(rmdir("run"), 0);
    run = start(&tellings[0], "web1");
    run_expect_quiet(&run);
    expect_one_shot("started", "web1", OURS, strlen(OURS));
    for (int i = 0; i < HOOK_LATER_MAX; i++) {
        char path[64];

        snprintf(path, sizeof(path), "run/one-shot.%d", i);
        (void)unlink(path);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    expect_in_vain();
    for (int i = 0; i < HOOK_LATER_MAX; i++) {
        char path[64];

        snprintf(path, sizeof(path), "run/one-shot.%d", i);
        assert_int_equal(rmdir(path), 0);
    }
}

/* The largest crowd that any of n saw. */
static int
largest_crowd(int n)
{
    size_t len;
    char *text, *line, *rest;
    int largest = 0;

    while (waitpid(-1, NULL, 0) > 0)
        ;
    text = read_and_remove("crowds.txt", &len);
    for (line = strtok_r(text, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest), n--)
        largest = atoi(line) > largest ? atoi(line) : largest;
    free(text);
    assert_int_equal(n, 0);
    return largest;
}

/* All guests of a host that goes down: all are served, a few at a time; and
 * those of one domain one by one. */
static void
test_crowd(void **state)
{
    (void)state;
    install_remorad();
    assert_int_equal(mkdir("crowd", 0700), 0);
    for (int i = 0; i < 24; i++) {
        char name[16];
        struct run run;

        snprintf(name, sizeof(name), "web%d", i);
        run = start(&tellings[2], name);
        run_expect_quiet(&run);
    }
    assert_in_range(largest_crowd(24), 1, HOOK_LATER_MAX);
    EACH_TELLING(telling)
    {
        struct run run = start(telling, "web1");

        run_expect_quiet(&run);
    }
    assert_int_equal(largest_crowd(3), 1);
    assert_int_equal(rmdir("crowd"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, here_enter, here_leave)

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nobody),         TEST(test_does_not_wait),
        TEST(test_largest),        TEST(test_option),
        TEST(test_not_called_for), TEST(test_not_executable),
        TEST(test_no_locks),       TEST(test_crowd),
    };
    sigset_t alarms;

    if (argc == 5 && strcmp(argv[1], "--one-shot") == 0)
        return be_remorad(argv);
    /* Whoever started the hook may have had its own use for the alarm. */
    signal(SIGALRM, SIG_IGN);
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    sigprocmask(SIG_BLOCK, &alarms, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
