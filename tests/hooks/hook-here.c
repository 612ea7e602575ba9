/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/hooks/hook-here.c - the hook run in a directory of its own
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
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVER() (wire_clock_ms() + 60000)

const struct asking askings[3] = {
    {"prepare", WIRE_PREPARE, false},
    {"migrate", WIRE_MIGRATE, true},
    {"restore", WIRE_RESTORE, true},
};

static char program[PATH_MAX];
static char directory[] = "/tmp/remora-hook-XXXXXX";

static void
find_program(void)
{
    const char *builddir = getenv("builddir");
    char path[1024];

    if (program[0])
        return;
    snprintf(path, sizeof(path), "%s/tests/hooks/qemu-hook-here",
             builddir ? builddir : ".");
    if (!realpath(path, program))
        fail_msg("there is no %s", path);
}

/* make and its shells leave descriptors open; libvirt's hook has none. */
static void
keep_descriptors(void)
{
    for (int fd = 3; fd < 1024; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int
here_enter(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    find_program();
    keep_descriptors();
    /* What the hook leaves behind is this process's to wait for. */
    if (prctl(PR_SET_CHILD_SUBREAPER, 1))
        return -1;
    /* A hook that never ends fails the test, instead of hanging the run. */
    alarm(120);
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    if (!mkdtemp(directory) || chdir(directory) || mkdir("run", 0700))
        return -1;
    return 0;
}

int
here_leave(void **state)
{
    static const char *const left[] = {
        "run/hook.sock",  "run/notify.sock", "remorad",
        "one-shot.txt",   "one-shot.xml",    "run/one-shot.0",
        "run/one-shot.1", "run/one-shot.2",  "run/one-shot.3"};

    (void)state;
    while (waitpid(-1, NULL, 0) > 0)
        ;
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
        (void)unlink(left[i]);
    if (rmdir("run") || chdir("/") || rmdir(directory))
        return -1;
    return 0;
}

int
input_of(const void *bytes, size_t len)
{
    int fd = memfd_create("input", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(wire_write(fd, bytes, len, EVER()), WIRE_IO_DONE);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

struct run
run_start_to(const char *name,
             const char *operation,
             const char *suboperation,
             int input,
             int output)
{
    const char *arguments[] = {program,      name, operation,
                               suboperation, "-",  NULL};
    char *environment[] = {"LC_ALL=C", "PATH=/usr/bin:/bin", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    struct run run = {.out_fd = output,
                      .err_fd = memfd_create("err", MFD_CLOEXEC)};

    assert_true(run.err_fd >= 0);
    /* This process ignores it, and libvirt does not. */
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions);
    if (input >= 0)
        posix_spawn_file_actions_adddup2(&actions, input, 0);
    else
        posix_spawn_file_actions_addclose(&actions, 0);
    posix_spawn_file_actions_adddup2(&actions, run.out_fd, 1);
    posix_spawn_file_actions_adddup2(&actions, run.err_fd, 2);
    assert_int_equal(posix_spawn(&run.pid, program, &actions, &attributes,
                                 (char *const *)arguments, environment),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    wire_close(&input);
    return run;
}

struct run
run_start(const char *name,
          const char *operation,
          const char *suboperation,
          int input)
{
    int output = memfd_create("out", MFD_CLOEXEC);

    assert_true(output >= 0);
    return run_start_to(name, operation, suboperation, input, output);
}

/* Everything in the file, with a NUL behind it. */
static char *
content(int fd, size_t *ret_len)
{
    struct stat about;
    char *text;

    assert_int_equal(fstat(fd, &about), 0);
    text = calloc(1, (size_t)about.st_size + 1);
    assert_non_null(text);
    if (S_ISREG(about.st_mode))
        assert_int_equal(pread(fd, text, (size_t)about.st_size, 0),
                         about.st_size);
    *ret_len = (size_t)about.st_size;
    return text;
}

void
run_end(struct run *run)
{
    size_t err_len;
    int status;

    assert_int_equal(waitpid(run->pid, &status, 0), run->pid);
    run->status =
        WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    run->out = content(run->out_fd, &run->out_len);
    run->err = content(run->err_fd, &err_len);
}

void
run_clear(struct run *run)
{
    free(run->out);
    free(run->err);
    wire_close(&run->out_fd);
    wire_close(&run->err_fd);
}

void
run_expect_quiet(struct run *run)
{
    run_end(run);
    assert_string_equal(run->err, "");
    assert_int_equal(run->out_len, 0);
    assert_int_equal(run->status, 0);
    run_clear(run);
}

void
run_expect_refusal(struct run *run, const char *line)
{
    run_end(run);
    assert_string_equal(run->err, line);
    assert_int_equal(run->out_len, 0);
    assert_int_equal(run->status, 1);
    run_clear(run);
}

static int
bound(int type, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    strcpy(address.sun_path, path);
    (void)unlink(path);
    assert_int_equal(
        bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

int
agent_listen_queue(int backlog)
{
    int fd = bound(SOCK_STREAM, "run/" WIRE_HOOK_SOCKET);

    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

int
agent_listen(void)
{
    return agent_listen_queue(16);
}

int
agent_bind_notify(void)
{
    return bound(SOCK_DGRAM, "run/" WIRE_NOTIFY_SOCKET);
}

void
assert_untouched(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&entry, 1, 0), 0);
}

int
agent_accept(int listener)
{
    struct pollfd entry = {.fd = listener, .events = POLLIN};
    int fd;

    if (poll(&entry, 1, 60000) != 1)
        fail_msg("the hook does not connect");
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

void
agent_send(int fd, const void *bytes, size_t len)
{
    assert_int_equal(wire_write(fd, bytes, len, EVER()), WIRE_IO_DONE);
}

void
agent_greet(int fd, uint32_t deadline_ms)
{
    struct wire_greeting greeting;

    wire_greeting_init(&greeting, deadline_ms);
    agent_send(fd, &greeting, sizeof(greeting));
}

static void *
hear(int fd, size_t len)
{
    void *bytes = malloc(len + 1);

    assert_non_null(bytes);
    assert_int_equal(wire_read(fd, bytes, len, EVER()), WIRE_IO_DONE);
    return bytes;
}

void
agent_expect(
    int fd, enum wire_op op, const char *name, const void *xml, size_t xml_len)
{
    struct wire_request *request = hear(fd, sizeof(*request));
    char *heard_name, *heard_xml;

    assert_null(wire_request_check(request));
    assert_int_equal(request->op, op);
    assert_int_equal(request->name_len, strlen(name));
    assert_int_equal(request->body_len, xml_len);
    heard_name = hear(fd, request->name_len);
    assert_memory_equal(heard_name, name, request->name_len);
    heard_xml = hear(fd, xml_len);
    assert_memory_equal(heard_xml, xml, xml_len);
    assert_untouched(fd);
    free(heard_xml);
    free(heard_name);
    free(request);
}

void
agent_answer(int fd,
             enum wire_verdict verdict,
             const char *message,
             const void *output,
             size_t output_len)
{
    struct wire_answer answer;

    wire_answer_init(&answer, verdict, strlen(message), output_len);
    agent_send(fd, &answer, sizeof(answer));
    agent_send(fd, message, strlen(message));
    agent_send(fd, output, output_len);
}
