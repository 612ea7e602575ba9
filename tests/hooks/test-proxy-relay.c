/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/hooks/test-proxy-relay.c - what goes through a relay, changed or not
 */
#include "config.h"

#include "tests/hooks/proxy-bench.h"

#include "hooks/proxy/relay.h"
#include "hooks/proxy/session.h"
#include "hooks/wire/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what is not asked about ------------------------------------------------ */

static void
test_before_open(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(1, OURS);

    bench_passes(bench, &define);
}

static void
test_read_only(void **state)
{
    struct bench *bench = *state;
    const struct packet open = packet_open(1, 1);
    const struct packet reply = packet_reply(1, 1, PROXY_OK);
    const struct packet define = packet_define(2, OURS);

    bench_passes(bench, &open);
    put_packet(bench->server, &reply);
    expect_packet(bench->client, &reply);
    bench_passes(bench, &define);
}

static void
test_not_opened(void **state)
{
    struct bench *bench = *state;
    const struct packet open = packet_open(1, 0);
    const struct packet reply = packet_reply(1, 1, PROXY_ERROR);
    const struct packet define = packet_define(2, OURS);

    bench_passes(bench, &open);
    put_packet(bench->server, &reply);
    expect_packet(bench->client, &reply);
    bench_passes(bench, &define);
}

static void
test_foreign(void **state)
{
    struct bench *bench = *state;
    struct packet define = packet_define(2, FOREIGN);

    bench_open(bench);
    bench_stop_listening(bench);
    bench_passes(bench, &define);
    /* Not its arguments: libvirtd says so. */
    define = packet_define(3, OURS);
    define.len -= 4;
    packet_end(&define);
    bench_passes(bench, &define);
    /* Another version, another program, a stream. */
    define = packet_define(4, OURS);
    proxy_xdr_put(define.bytes + 8, 2);
    bench_passes(bench, &define);
    define = packet_define(5, OURS);
    proxy_xdr_put(define.bytes + 4, 0x20008087);
    bench_passes(bench, &define);
    define = packet_define(6, OURS);
    proxy_xdr_put(define.bytes + 16, PROXY_STREAM);
    bench_passes(bench, &define);
    define = packet_ping();
    bench_passes(bench, &define);
    put_packet(bench->server, &define);
    expect_packet(bench->client, &define);
}

/* ---- what is ---------------------------------------------------------------- */

static void
test_rewrite(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(2, OURS);
    const struct packet rewritten = packet_define(2, NEW);
    const struct packet beside = packet_ping();
    int agent;

    bench_open(bench);
    put_packet(bench->client, &define);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_DEFINE, "", OURS);
    /* All else flows meanwhile. */
    bench_passes(bench, &beside);
    put_packet(bench->server, &beside);
    expect_packet(bench->client, &beside);
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &rewritten);
    /* And where there is nothing to change, it is as it was. */
    put_packet(bench->client, &define);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_DEFINE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    expect_packet(bench->server, &define);
}

/* libvirtd may be done with opening before the client hears of it. */
static void
test_hasty(void **state)
{
    struct bench *bench = *state;
    const struct packet open = packet_open(1, 0);
    const struct packet reply = packet_reply(1, 1, PROXY_OK);
    const struct packet define = packet_define(2, OURS);
    const struct packet rewritten = packet_define(2, NEW);
    int agent;

    put_packet(bench->client, &open);
    put_packet(bench->client, &define);
    expect_packet(bench->server, &open);
    expect_silence(bench->server);
    put_packet(bench->server, &reply);
    expect_packet(bench->client, &reply);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_DEFINE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &rewritten);
}

static void
opens(struct bench *bench, uint32_t serial, uint32_t flags, bool works)
{
    const struct packet open = packet_open(serial, flags);
    const struct packet reply =
        packet_reply(1, serial, works ? PROXY_OK : PROXY_ERROR);

    bench_passes(bench, &open);
    put_packet(bench->server, &reply);
    expect_packet(bench->client, &reply);
}

/* Whether a definition is asked about. */
static void
asks(struct bench *bench, uint32_t serial)
{
    const struct packet define = packet_define(serial, OURS);
    int agent;

    put_packet(bench->client, &define);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_DEFINE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    expect_packet(bench->server, &define);
}

/* Two of the same number: the first one's reply says nothing of the second. */
static void
test_two_opens(void **state)
{
    struct bench *bench = *state;
    const struct packet reads = packet_open(1, 1);
    const struct packet writes = packet_open(1, 0);
    const struct packet good = packet_reply(1, 1, PROXY_OK);
    const struct packet bad = packet_reply(1, 1, PROXY_ERROR);
    const struct packet define = packet_define(2, OURS);

    put_packet(bench->client, &reads);
    put_packet(bench->client, &writes);
    put_packet(bench->client, &define);
    expect_packet(bench->server, &reads);
    expect_silence(bench->server);
    put_packet(bench->server, &good);
    expect_packet(bench->client, &good);
    expect_packet(bench->server, &writes);
    expect_silence(bench->server);
    put_packet(bench->server, &bad);
    expect_packet(bench->client, &bad);
    expect_packet(bench->server, &define);
}

static void
test_opens_anew(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(9, OURS);
    struct packet close;
    const struct packet closed =
        packet_reply(PROXY_PROC_CONNECT_CLOSE, 5, PROXY_OK);

    bench_open(bench);
    opens(bench, 2, 0, false);
    opens(bench, 2, 1, false);
    asks(bench, 3);
    opens(bench, 4, 1, true);
    bench_passes(bench, &define);
    opens(bench, 4, 0, true);
    asks(bench, 3);
    packet_header(&close, PROXY_PROC_CONNECT_CLOSE, PROXY_CALL, 5, PROXY_OK);
    packet_end(&close);
    bench_passes(bench, &close);
    put_packet(bench->server, &closed);
    expect_packet(bench->client, &closed);
    bench_passes(bench, &define);
}

/* Until whoever should read it does not. */
static void
fill_with(int fd, const struct packet *packet)
{
    struct pollfd entry = {fd, POLLOUT, 0};

    while (poll(&entry, 1, 200) > 0)
        put_packet(fd, packet);
}

static void
skip_all(int fd, const struct packet *packet)
{
    uint8_t bytes[PACKET_MAX];

    for (;;) {
        struct pollfd entry = {fd, POLLIN, 0};

        assert_int_equal(poll(&entry, 1, 20000), 1);
        assert_true(recv(fd, bytes, packet->len, MSG_PEEK) > 0);
        if (memcmp(bytes, packet->bytes, 8) != 0)
            return;
        expect_packet(fd, packet);
    }
}

/* A client that reads nothing gets no more refusals than calls are held. */
static void
test_refusals_lie(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(2, OURS);
    const struct packet event = packet_ping();
    char *message;
    int agent;

    bench_open(bench);
    fill_with(bench->server, &event);
    for (unsigned i = 0; i < PROXY_HELD_CALLS; i++) {
        put_packet(bench->client, &define);
        agent = agent_accept(bench);
        agent_expect(agent, WIRE_PROXY_DEFINE, "", OURS);
        agent_answer(agent, WIRE_REFUSE, "no", NULL);
    }
    put_packet(bench->client, &define);
    expect_silence(bench->agent);
    /* It reads: its events, the refusals, and the next call is asked about. */
    for (unsigned i = 0; i < PROXY_HELD_CALLS; i++) {
        skip_all(bench->client, &event);
        message = expect_error(bench->client, 11, 2);
        free(message);
    }
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_DEFINE, "", OURS);
    agent_answer(agent, WIRE_REFUSE, "no", NULL);
}

static void
test_refuse(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(2, OURS);
    const struct packet beside = packet_define(3, FOREIGN);
    char *message;
    int agent;

    bench_open(bench);
    put_packet(bench->client, &define);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_DEFINE, "", OURS);
    agent_answer(agent, WIRE_REFUSE, "no image of that name", NULL);
    message = expect_error(bench->client, 11, 2);
    assert_string_equal(message, "remora: no image of that name");
    free(message);
    bench_passes(bench, &beside); /* and not what was refused */
}

static void
test_fds(void **state)
{
    struct bench *bench = *state;
    int file = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct packet create[2];
    struct stat wanted;
    struct stat found;
    int fds[PROXY_FDS_MAX];
    size_t n = 0;
    char byte = 1;
    int agent;

    bench_open(bench);
    for (size_t i = 0; i < 2; i++) {
        packet_header(&create[i], 309, PROXY_CALL_WITH_FDS, 4, PROXY_OK);
        packet_u32(&create[i], 1);
        packet_text(&create[i], i ? NEW : OURS);
        packet_u32(&create[i], 0);
        packet_end(&create[i]);
    }
    put_packet(bench->client, &create[0]);
    assert_int_equal(proxy_socket_send(bench->client, "", 1, file), 1);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_DEFINE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &create[1]);
    while (proxy_socket_receive(bench->server, &byte, 1, fds, &n) < 0)
        assert_int_equal(errno, EAGAIN);
    assert_int_equal(n, 1);
    assert_int_equal(fstat(file, &wanted), 0);
    assert_int_equal(fstat(fds[0], &found), 0);
    assert_int_equal(wanted.st_ino, found.st_ino);
    (void)close(fds[0]);
    (void)close(file);
}

/* Five at once; the sixth, and what is behind it, waits for one of them. */
static void
test_many(void **state)
{
    struct bench *bench = *state;
    const struct packet beside = packet_ping();
    int agents[PROXY_HELD_CALLS + 1];

    bench_open(bench);
    for (uint32_t i = 0; i < PROXY_HELD_CALLS; i++) {
        const struct packet define = packet_define(10 + i, OURS);

        put_packet(bench->client, &define);
        agents[i] = agent_accept(bench);
        agent_expect(agents[i], WIRE_PROXY_DEFINE, "", OURS);
    }
    bench_passes(bench, &beside);
    {
        const struct packet sixth = packet_define(15, OURS);

        put_packet(bench->client, &sixth);
        put_packet(bench->client, &beside);
        expect_silence(bench->server);
        expect_silence(bench->agent);
    }
    /* The last one is answered first. */
    for (uint32_t i = PROXY_HELD_CALLS; i-- > 0;) {
        const struct packet rewritten = packet_define(10 + i, NEW);

        agent_answer(agents[i], WIRE_ALLOW, NULL, NEW);
        if (i == PROXY_HELD_CALLS - 1) {
            uint8_t bytes[2 * PACKET_MAX];
            size_t len = rewritten.len + beside.len;

            /* Either may be first. */
            assert_int_equal(
                wire_read(bench->server, bytes, len, wire_clock_ms() + 20000),
                WIRE_IO_DONE);
            agents[PROXY_HELD_CALLS] = agent_accept(bench);
            continue;
        }
        expect_packet(bench->server, &rewritten);
    }
    {
        const struct packet rewritten = packet_define(15, NEW);

        agent_expect(agents[PROXY_HELD_CALLS], WIRE_PROXY_DEFINE, "", OURS);
        agent_answer(agents[PROXY_HELD_CALLS], WIRE_ALLOW, NULL, NEW);
        expect_packet(bench->server, &rewritten);
    }
}

/* ---- ends --------------------------------------------------------------------- */

/* A client that defines and leaves gets its definition. */
static void
test_client_leaves(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(2, OURS);
    const struct packet rewritten = packet_define(2, NEW);
    int agent;

    bench_open(bench);
    put_packet(bench->client, &define);
    wire_close(&bench->client);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_DEFINE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &rewritten);
    expect_end(bench->server);
}

static void
test_half_closed(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(2, FOREIGN);
    const struct packet reply = packet_reply(11, 2, PROXY_OK);

    bench_open(bench);
    put_packet(bench->client, &define);
    assert_int_equal(shutdown(bench->client, SHUT_WR), 0);
    expect_packet(bench->server, &define);
    expect_end(bench->server);
    put_packet(bench->server, &reply);
    wire_close(&bench->server);
    expect_packet(bench->client, &reply);
    expect_end(bench->client);
}

static void
test_server_leaves(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(2, OURS);
    const struct packet event = packet_ping();
    int agent;

    bench_open(bench);
    put_packet(bench->client, &define);
    agent = agent_accept(bench);
    put_packet(bench->server, &event);
    wire_close(&bench->server);
    expect_packet(bench->client, &event);
    expect_end(bench->client);
    (void)close(agent);
}

/* What libvirtd said last, while it read no more. */
static void
test_last_words(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(2, FOREIGN);
    const struct packet reply = packet_reply(11, 2, PROXY_ERROR);

    bench_open(bench);
    while (send(bench->client, define.bytes, define.len,
                MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        continue;
    put_packet(bench->server, &reply);
    wire_close(&bench->server);
    expect_packet(bench->client, &reply);
    expect_end(bench->client);
}

/* And what a client said that is gone before it heard an event. */
static void
test_last_wishes(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(2, OURS);
    const struct packet rewritten = packet_define(2, NEW);
    const struct packet event = packet_ping();
    int agent;

    bench_open(bench);
    put_packet(bench->client, &define);
    wire_close(&bench->client);
    agent = agent_accept(bench);
    put_packet(bench->server, &event);
    agent_expect(agent, WIRE_PROXY_DEFINE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &rewritten);
    /* With the event unread here or there, this may be a reset. */
    expect_end(bench->server);
}

static void
test_malformed(void **state)
{
    struct bench *bench = *state;
    struct packet define = packet_define(2, OURS);

    proxy_xdr_put(define.bytes, 5);
    put_packet(bench->client, &define);
    expect_end(bench->client);
    expect_end(bench->server);
}

static void
test_apology(void **state)
{
    const struct packet open = packet_open(1, 0);
    char *message;
    int fds[2];
    pid_t pid;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(fds[0]);
        proxy_relay_apologise(fds[1], "there is none");
        _exit(0);
    }
    (void)close(fds[1]);
    put_packet(fds[0], &open);
    message = expect_error(fds[0], 1, 1);
    assert_string_equal(message, "there is none");
    free(message);
    expect_end(fds[0]);
    (void)close(fds[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int
main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, bench_enter, bench_leave)
    const struct CMUnitTest tests[] = {
        TEST(test_before_open),
        TEST(test_read_only),
        TEST(test_not_opened),
        TEST(test_foreign),
        TEST(test_rewrite),
        TEST(test_hasty),
        TEST(test_two_opens),
        TEST(test_opens_anew),
        TEST(test_refuse),
        TEST(test_refusals_lie),
        TEST(test_fds),
        TEST(test_many),
        TEST(test_client_leaves),
        TEST(test_half_closed),
        TEST(test_server_leaves),
        TEST(test_last_words),
        TEST(test_last_wishes),
        TEST(test_malformed),
        cmocka_unit_test(test_apology),
    };

    signal(SIGPIPE, SIG_IGN);
    alarm(180);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
