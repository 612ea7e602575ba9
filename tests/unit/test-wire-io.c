/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-wire-io.c - limits, short reads and deadlines of io.h
 *
 * What must be late gets a deadline that is over, or one that comes while a
 * peer says nothing; what must not, gets a minute that is never waited out.
 */
#include "config.h"

#include "hooks/wire/client.h"
#include "hooks/wire/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOON() (wire_clock_ms() + 20)
#define EVER() (wire_clock_ms() + 60000)

struct ends {
    int in;  /* read from here */
    int out; /* write to here */
};

static struct ends
new_pipe(void)
{
    int fds[2];

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    return (struct ends){fds[0], fds[1]};
}

static void
put(int fd, const char *bytes, size_t len)
{
    assert_int_equal(write(fd, bytes, len), len);
}

static void
test_to_end(void **state)
{
    char buffer[8];
    size_t len = 99;

    (void)state;
    /* Nothing, less than the limit, the limit, one byte more. */
    for (size_t n = 0; n <= 5; n++) {
        struct ends ends = new_pipe();
        enum wire_io result;

        put(ends.out, "abcde", n);
        wire_close(&ends.out);
        memset(buffer, '-', sizeof(buffer));
        len = 99;
        result = wire_read_to_end(ends.in, buffer, 4, EVER(), &len);
        assert_int_equal(result, n <= 4 ? WIRE_IO_DONE : WIRE_IO_LONG);
        assert_int_equal(len, n <= 4 ? n : 99);
        assert_memory_equal(buffer, "abcd", n <= 4 ? n : 4);
        assert_memory_equal(buffer + 4, "----", 4);
        wire_close(&ends.in);
    }
}

static void
test_to_end_late(void **state)
{
    struct ends ends = new_pipe();
    char buffer[8];
    size_t len = 99;

    (void)state;
    /* Over before it began, though there are bytes. */
    put(ends.out, "ab", 2);
    assert_int_equal(
        wire_read_to_end(ends.in, buffer, 8, wire_clock_ms(), &len),
        WIRE_IO_LATE);
    /* The writer stays and says no more. */
    assert_int_equal(wire_read_to_end(ends.in, buffer, 8, SOON(), &len),
                     WIRE_IO_LATE);
    /* The same behind the limit, where only the end is missing. */
    put(ends.out, "ab", 2);
    assert_int_equal(wire_read_to_end(ends.in, buffer, 2, SOON(), &len),
                     WIRE_IO_LATE);
    assert_int_equal(len, 99);
    wire_close(&ends.in);
    wire_close(&ends.out);
}

static void
test_exact(void **state)
{
    struct ends ends = new_pipe();
    char buffer[8] = "--------";

    (void)state;
    put(ends.out, "abcdef", 6);
    assert_int_equal(wire_read(ends.in, buffer, 0, EVER()), WIRE_IO_DONE);
    assert_memory_equal(buffer, "--------", 8);
    assert_int_equal(wire_read(ends.in, buffer, 4, EVER()), WIRE_IO_DONE);
    assert_memory_equal(buffer, "abcd----", 8);
    /* Two bytes are there, the third never comes. */
    assert_int_equal(wire_read(ends.in, buffer, 3, SOON()), WIRE_IO_LATE);
    put(ends.out, "g", 1);
    wire_close(&ends.out);
    assert_int_equal(wire_read(ends.in, buffer, 2, EVER()), WIRE_IO_END);
    wire_close(&ends.in);
}

/* A peer of one byte at a time, until nobody reads. */
static void *
drip(void *data)
{
    int fd = *(int *)data;

    while (write(fd, "x", 1) == 1)
        ;
    return NULL;
}

static void
test_drip(void **state)
{
    static char buffer[100000];
    struct ends ends = new_pipe();
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, drip, &ends.out), 0);
    assert_int_equal(wire_read(ends.in, buffer, 1000, EVER()), WIRE_IO_DONE);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buffer[i], 'x');
    /* It always has one more byte, and yet the deadline comes. */
    while (wire_read(ends.in, buffer, sizeof(buffer), SOON()) == WIRE_IO_DONE)
        ;
    assert_int_equal(
        wire_read(ends.in, buffer, sizeof(buffer), wire_clock_ms()),
        WIRE_IO_LATE);
    wire_close(&ends.in);
    assert_int_equal(pthread_join(thread, NULL), 0);
    wire_close(&ends.out);
}

struct sink {
    int fd;
    char *bytes;
    size_t len;
};

static void *
swallow(void *data)
{
    struct sink *sink = data;
    ssize_t n;

    while ((n = read(sink->fd, sink->bytes + sink->len, 777)) > 0)
        sink->len += (size_t)n;
    return NULL;
}

static void
check_write(struct ends ends)
{
    const size_t len = 1000003; /* far more than any pipe or socket holds */
    char *bytes = malloc(len);
    struct sink sink = {.fd = ends.in, .bytes = malloc(len + 777)};
    pthread_t thread;

    assert_non_null(bytes);
    assert_non_null(sink.bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 7 + (i >> 8));
    assert_int_equal(pthread_create(&thread, NULL, swallow, &sink), 0);
    assert_int_equal(wire_write(ends.out, bytes, len, EVER()), WIRE_IO_DONE);
    wire_close(&ends.out);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(sink.len, len);
    assert_memory_equal(sink.bytes, bytes, len);
    wire_close(&ends.in);
    free(sink.bytes);
    free(bytes);
}

static void
test_write(void **state)
{
    int fds[2];

    (void)state;
    check_write(new_pipe());
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
        0);
    /* swallow() waits in read(). */
    assert_int_equal(fcntl(fds[0], F_SETFL, 0), 0);
    check_write((struct ends){fds[0], fds[1]});
}

static void
test_write_late(void **state)
{
    static const char bytes[200000];
    struct ends ends = new_pipe();

    (void)state;
    assert_int_equal(wire_write(ends.out, "a", 0, wire_clock_ms()),
                     WIRE_IO_DONE);
    assert_int_equal(wire_write(ends.out, "a", 1, wire_clock_ms()),
                     WIRE_IO_LATE);
    /* The pipe holds less, and its descriptor blocks: a write() of more than
     * fits would never come back. */
    assert_int_equal(wire_write(ends.out, bytes, sizeof(bytes), SOON()),
                     WIRE_IO_LATE);
    wire_close(&ends.in);
    assert_int_equal(wire_write(ends.out, "a", 1, EVER()), WIRE_IO_END);
    wire_close(&ends.out);
}

static void
test_failures(void **state)
{
    char byte;
    size_t len;
    int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct ends ends = new_pipe();
    int closed = ends.in;
    int fds[2];

    (void)state;
    assert_int_equal(wire_read(directory, &byte, 1, EVER()), WIRE_IO_FAILED);
    assert_int_equal(errno, EISDIR);
    wire_close(&directory);
    assert_int_equal(directory, -1);
    wire_close(&directory);
    wire_close(&ends.in);
    assert_int_equal(wire_read_to_end(closed, &byte, 1, EVER(), &len),
                     WIRE_IO_FAILED);
    assert_int_equal(errno, EBADF);
    assert_int_equal(wire_write(closed, "a", 1, EVER()), WIRE_IO_FAILED);
    assert_int_equal(errno, EBADF);
    wire_close(&ends.out);
    /* A peer that closes with bytes unread resets the connection. */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
    put(fds[0], "a", 1);
    wire_close(&fds[1]);
    assert_int_equal(wire_read(fds[0], &byte, 1, EVER()), WIRE_IO_END);
    wire_close(&fds[0]);
}

/* A signal in the middle of a wait neither ends it nor starts it anew. */
static void
on_signal(int number)
{
    (void)number;
}

struct prod {
    pthread_t whom;
    int fd;
};

static void *
prod(void *data)
{
    struct prod *it = data;

    for (int i = 0; i < 20; i++) {
        struct timespec pause = {.tv_nsec = 1000000};

        pthread_kill(it->whom, SIGUSR1);
        nanosleep(&pause, NULL);
    }
    put(it->fd, "a", 1);
    return NULL;
}

static void
test_signals(void **state)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct ends ends = new_pipe();
    struct prod it = {pthread_self(), ends.out};
    pthread_t thread;
    char byte = 0;

    (void)state;
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, prod, &it), 0);
    assert_int_equal(wire_read(ends.in, &byte, 1, EVER()), WIRE_IO_DONE);
    assert_int_equal(byte, 'a');
    assert_int_equal(pthread_join(thread, NULL), 0);
    wire_close(&ends.in);
    wire_close(&ends.out);
}

static void
test_patience(void **state)
{
    (void)state;
    assert_int_equal(wire_patience_ms(1), 1);
    assert_int_equal(wire_patience_ms(30000), 30000);
    assert_int_equal(wire_patience_ms(59999), 59999);
    assert_int_equal(wire_patience_ms(60000), 60000);
    assert_int_equal(wire_patience_ms(60001), 60000);
    assert_int_equal(wire_patience_ms(UINT32_MAX), 60000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_end),   cmocka_unit_test(test_to_end_late),
        cmocka_unit_test(test_exact),    cmocka_unit_test(test_drip),
        cmocka_unit_test(test_write),    cmocka_unit_test(test_write_late),
        cmocka_unit_test(test_failures), cmocka_unit_test(test_signals),
        cmocka_unit_test(test_patience),
    };

    signal(SIGPIPE, SIG_IGN);
    /* A wait that has no end fails, instead of hanging the test run. */
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
