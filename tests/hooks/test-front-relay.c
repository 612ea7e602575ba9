/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/hooks/test-front-relay.c - what goes through a relay, changed or not
 */
#include "config.h"

#include "tests/hooks/front-bench.h"

#include "hooks/front-desk.h"
#include "hooks/front-relay.h"
#include "hooks/hook-io.h"

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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
passes(struct bench *bench, const struct packet *packet)
{
    put_packet(bench->client, packet);
    expect_packet(bench->server, packet);
}

/* Of another program: its numbers mean nothing. */
static struct packet
ping(void)
{
    struct packet packet;

    packet_header(&packet, 11, FRONT_MESSAGE, 0, FRONT_OK);
    front_xdr_put(packet.bytes + 4, 0x6b656570);
    packet_end(&packet);
    return packet;
}

static struct packet
attach(uint32_t procedure, uint32_t serial, uint32_t flags)
{
    struct packet packet;

    packet_header(&packet, procedure, FRONT_CALL, serial, FRONT_OK);
    packet_domain(&packet);
    packet_text(&packet, OURS);
    if (procedure != 8)
        packet_u32(&packet, flags);
    packet_end(&packet);
    return packet;
}

/* ---- what is not asked about ------------------------------------------------ */

static void
test_before_open(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(1, OURS);

    passes(bench, &define);
}

static void
test_read_only(void **state)
{
    struct bench *bench = *state;
    const struct packet open = packet_open(1, 1);
    const struct packet reply = packet_reply(1, 1, FRONT_OK);
    const struct packet define = packet_define(2, OURS);

    passes(bench, &open);
    put_packet(bench->server, &reply);
    expect_packet(bench->client, &reply);
    passes(bench, &define);
}

static void
test_not_opened(void **state)
{
    struct bench *bench = *state;
    const struct packet open = packet_open(1, 0);
    const struct packet reply = packet_reply(1, 1, FRONT_ERROR);
    const struct packet define = packet_define(2, OURS);

    passes(bench, &open);
    put_packet(bench->server, &reply);
    expect_packet(bench->client, &reply);
    passes(bench, &define);
}

static void
test_foreign(void **state)
{
    struct bench *bench = *state;
    struct packet define = packet_define(2, FOREIGN);

    bench_open(bench);
    bench_stop_listening(bench);
    passes(bench, &define);
    /* Not its arguments: libvirtd says so. */
    define = packet_define(3, OURS);
    define.len -= 4;
    packet_end(&define);
    passes(bench, &define);
    /* Another version, another program, a stream. */
    define = packet_define(4, OURS);
    front_xdr_put(define.bytes + 8, 2);
    passes(bench, &define);
    define = packet_define(5, OURS);
    front_xdr_put(define.bytes + 4, 0x20008087);
    passes(bench, &define);
    define = packet_define(6, OURS);
    front_xdr_put(define.bytes + 16, FRONT_STREAM);
    passes(bench, &define);
    define = ping();
    passes(bench, &define);
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
    const struct packet beside = ping();
    int agent;

    bench_open(bench);
    put_packet(bench->client, &define);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
    /* All else flows meanwhile. */
    passes(bench, &beside);
    put_packet(bench->server, &beside);
    expect_packet(bench->client, &beside);
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &rewritten);
    /* And where there is nothing to change, it is as it was. */
    put_packet(bench->client, &define);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    expect_packet(bench->server, &define);
}

/* libvirtd may be done with opening before the client hears of it. */
static void
test_hasty(void **state)
{
    struct bench *bench = *state;
    const struct packet open = packet_open(1, 0);
    const struct packet reply = packet_reply(1, 1, FRONT_OK);
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
    agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &rewritten);
}

static void
opens(struct bench *bench, uint32_t serial, uint32_t flags, bool works)
{
    const struct packet open = packet_open(serial, flags);
    const struct packet reply =
        packet_reply(1, serial, works ? FRONT_OK : FRONT_ERROR);

    passes(bench, &open);
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
    agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
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
    const struct packet good = packet_reply(1, 1, FRONT_OK);
    const struct packet bad = packet_reply(1, 1, FRONT_ERROR);
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
    const struct packet closed = packet_reply(FRONT_CONNECT_CLOSE, 5, FRONT_OK);

    bench_open(bench);
    opens(bench, 2, 0, false);
    opens(bench, 2, 1, false);
    asks(bench, 3);
    opens(bench, 4, 1, true);
    passes(bench, &define);
    opens(bench, 4, 0, true);
    asks(bench, 3);
    packet_header(&close, FRONT_CONNECT_CLOSE, FRONT_CALL, 5, FRONT_OK);
    packet_end(&close);
    passes(bench, &close);
    put_packet(bench->server, &closed);
    expect_packet(bench->client, &closed);
    passes(bench, &define);
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
    uint8_t bytes[PACKET_ROOM];

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
    const struct packet event = ping();
    char *message;
    int agent;

    bench_open(bench);
    fill_with(bench->server, &event);
    for (unsigned i = 0; i < FRONT_HELD_CALLS; i++) {
        put_packet(bench->client, &define);
        agent = agent_accept(bench);
        agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
        agent_answer(agent, WIRE_REFUSE, "no", NULL);
    }
    put_packet(bench->client, &define);
    expect_silence(bench->agent);
    /* It reads: its events, the refusals, and the next call is asked about. */
    for (unsigned i = 0; i < FRONT_HELD_CALLS; i++) {
        skip_all(bench->client, &event);
        message = expect_error(bench->client, 11, 2);
        free(message);
    }
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
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
    agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
    agent_answer(agent, WIRE_REFUSE, "no image of that name", NULL);
    message = expect_error(bench->client, 11, 2);
    assert_string_equal(message, "remora: no image of that name");
    free(message);
    passes(bench, &beside); /* and not what was refused */
}

static void
test_moved(void **state)
{
    struct bench *bench = *state;
    struct packet begin[2];
    int agent;

    bench_open(bench);
    for (size_t i = 0; i < 2; i++) {
        packet_header(&begin[i], 302, FRONT_CALL, 4, FRONT_OK);
        packet_domain(&begin[i]);
        packet_u32(&begin[i], 2);
        packet_text(&begin[i], "destination_xml");
        packet_u32(&begin[i], 7);
        packet_text(&begin[i], OURS);
        packet_text(&begin[i], "persistent_xml");
        packet_u32(&begin[i], 7);
        packet_text(&begin[i], i ? NEW : OURS " ");
        packet_u32(&begin[i], 1);
        packet_end(&begin[i]);
    }
    put_packet(bench->client, &begin[0]);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_MOVE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_MOVE, "", OURS " ");
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &begin[1]);
}

static void
test_devices(void **state)
{
    static const struct {
        uint32_t procedure;
        uint32_t flags;
        enum wire_op op;
    } calls[] = {
        {8, 0, WIRE_FRONT_ATTACH_LIVE},   {160, 0, WIRE_FRONT_ATTACH_LIVE},
        {160, 1, WIRE_FRONT_ATTACH_LIVE}, {160, 3, WIRE_FRONT_ATTACH_LIVE},
        {160, 2, WIRE_FRONT_DEVICE},      {174, 2, WIRE_FRONT_UPDATE},
        {174, 1, WIRE_FRONT_UPDATE},
    };
    struct bench *bench = *state;

    bench_open(bench);
    for (uint32_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        uint32_t procedure = calls[i].procedure;
        const struct packet call = attach(procedure, 9 + i, calls[i].flags);
        const struct packet reply =
            packet_reply(procedure, 9 + i, i % 2 ? FRONT_OK : FRONT_ERROR);
        const struct packet other = packet_reply(procedure, 99, FRONT_OK);
        int agent;

        put_packet(bench->client, &call);
        agent = agent_accept(bench);
        agent_expect(agent, calls[i].op, PACKET_UUID, OURS);
        agent_answer(agent, WIRE_ALLOW, NULL, NULL);
        expect_packet(bench->server, &call);
        put_packet(bench->server, &reply);
        put_packet(bench->server, &other);
        agent = agent_accept(bench);
        /* The attach that it made ready has ended, whatever came of it. */
        agent_expect(agent, WIRE_FRONT_LOOK, PACKET_UUID,
                     calls[i].op == WIRE_FRONT_ATTACH_LIVE ? OURS : "");
        expect_packet(bench->client, &other);
        expect_silence(bench->client);
        agent_answer(agent, i % 2 ? WIRE_ALLOW : WIRE_REFUSE, NULL, NULL);
        expect_packet(bench->client, &reply);
    }
}

static void
test_copy(void **state)
{
    struct bench *bench = *state;
    const struct packet reply = packet_reply(345, 5, FRONT_OK);
    struct packet copy;
    int agent;

    packet_header(&copy, 345, FRONT_CALL, 5, FRONT_OK);
    packet_domain(&copy);
    packet_text(&copy, "vda");
    packet_text(&copy, OURS);
    packet_u32(&copy, 0);
    packet_u32(&copy, 0);
    packet_end(&copy);
    bench_open(bench);
    put_packet(bench->client, &copy);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_DEVICE, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    expect_packet(bench->server, &copy);
    put_packet(bench->server, &reply);
    expect_packet(bench->client, &reply); /* nobody looks */
}

static void
test_look_late(void **state)
{
    struct bench *bench = *state;
    const struct packet call = attach(8, 7, 0);
    const struct packet reply = packet_reply(8, 7, FRONT_OK);
    int64_t begun;
    int agent;

    bench_open(bench);
    put_packet(bench->client, &call);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_ATTACH_LIVE, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    expect_packet(bench->server, &call);
    begun = hook_clock_ms();
    put_packet(bench->server, &reply);
    agent = agent_accept(bench);
    expect_packet(bench->client, &reply);
    assert_true(hook_clock_ms() - begun >= FRONT_LOOK_MS - 100);
    (void)close(agent);
}

/* libvirtd dies over an attach: nobody knows whether that has ended. */
static void
test_look_at_end(void **state)
{
    struct bench *bench = *state;
    const struct packet call = attach(8, 7, 0);
    int agent;

    bench_open(bench);
    put_packet(bench->client, &call);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_ATTACH_LIVE, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    expect_packet(bench->server, &call);
    hook_close(&bench->server);
    expect_end(bench->client);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_LOOK, PACKET_UUID, "");
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
}

/* It has, where the call cannot go on any more. */
static void
test_look_at_early_end(void **state)
{
    struct bench *bench = *state;
    const struct packet call = attach(160, 7, 3);
    int agent;

    bench_open(bench);
    put_packet(bench->client, &call);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_ATTACH_LIVE, PACKET_UUID, OURS);
    hook_close(&bench->server);
    expect_end(bench->client);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_LOOK, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
}

/* Allowed, and refused here: its disk is in nobody's use. */
static void
test_look_at_too_long(void **state)
{
    struct bench *bench = *state;
    const struct packet call = attach(8, 7, 0);
    size_t len = FRONT_XDR_STRING_MAX + 1;
    char *output = malloc(len + 1);
    char *message;
    int agent;

    memset(output, 'x', len);
    output[len] = '\0';
    bench_open(bench);
    put_packet(bench->client, &call);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_ATTACH_LIVE, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, output);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_LOOK, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    message = expect_error(bench->client, 8, 7);
    assert_non_null(strstr(message, "longer than libvirt takes"));
    free(message);
    free(output);
}

#ifdef __SANITIZE_ADDRESS__
#define LIMITS_MEMORY false /* it needs some of its own for each thread */
#else
#define LIMITS_MEMORY true
#endif

/* The reply does not wait for ever for a thread, but the look does. */
static void
test_look_without_thread(void **state)
{
    const struct rlimit little = {1, RLIM_INFINITY};
    struct bench *bench = *state;
    const struct packet call = attach(8, 7, 0);
    const struct packet reply = packet_reply(8, 7, FRONT_OK);
    const struct packet define = packet_define(8, OURS);
    int other;
    int agent;

    if (!LIMITS_MEMORY)
        skip();
    bench_open(bench);
    put_packet(bench->client, &call);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_ATTACH_LIVE, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    expect_packet(bench->server, &call);
    /* When the thread has ended, the next has the only stack that there is. */
    expect_silence(bench->agent);
    put_packet(bench->client, &define);
    other = agent_accept(bench);
    agent_expect(other, WIRE_FRONT_DEFINE, "", OURS);
    assert_int_equal(prlimit(bench->relay, RLIMIT_AS, &little, NULL), 0);
    put_packet(bench->server, &reply);
    expect_silence(bench->client);
    expect_packet(bench->client, &reply);
    expect_silence(bench->agent);
    agent_answer(other, WIRE_ALLOW, NULL, NULL);
    expect_packet(bench->server, &define);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_LOOK, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
}

static void
test_fds(void **state)
{
    struct bench *bench = *state;
    int file = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct packet create[2];
    struct stat wanted;
    struct stat found;
    int fds[FRONT_FDS_MAX];
    size_t n = 0;
    char byte = 1;
    int agent;

    bench_open(bench);
    for (size_t i = 0; i < 2; i++) {
        packet_header(&create[i], 309, FRONT_CALL_WITH_FDS, 4, FRONT_OK);
        packet_u32(&create[i], 1);
        packet_text(&create[i], i ? NEW : OURS);
        packet_u32(&create[i], 0);
        packet_end(&create[i]);
    }
    put_packet(bench->client, &create[0]);
    assert_int_equal(front_socket_send(bench->client, "", 1, file), 1);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &create[1]);
    while (front_socket_receive(bench->server, &byte, 1, fds, &n) < 0)
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
    const struct packet beside = ping();
    int agents[FRONT_HELD_CALLS + 1];

    bench_open(bench);
    for (uint32_t i = 0; i < FRONT_HELD_CALLS; i++) {
        const struct packet define = packet_define(10 + i, OURS);

        put_packet(bench->client, &define);
        agents[i] = agent_accept(bench);
        agent_expect(agents[i], WIRE_FRONT_DEFINE, "", OURS);
    }
    passes(bench, &beside);
    {
        const struct packet sixth = packet_define(15, OURS);

        put_packet(bench->client, &sixth);
        put_packet(bench->client, &beside);
        expect_silence(bench->server);
        expect_silence(bench->agent);
    }
    /* The last one is answered first. */
    for (uint32_t i = FRONT_HELD_CALLS; i-- > 0;) {
        const struct packet rewritten = packet_define(10 + i, NEW);

        agent_answer(agents[i], WIRE_ALLOW, NULL, NEW);
        if (i == FRONT_HELD_CALLS - 1) {
            uint8_t bytes[2 * PACKET_ROOM];
            size_t len = rewritten.len + beside.len;

            /* Either may be first. */
            assert_int_equal(
                hook_read(bench->server, bytes, len, hook_clock_ms() + 20000),
                HOOK_IO_DONE);
            agents[FRONT_HELD_CALLS] = agent_accept(bench);
            continue;
        }
        expect_packet(bench->server, &rewritten);
    }
    {
        const struct packet rewritten = packet_define(15, NEW);

        agent_expect(agents[FRONT_HELD_CALLS], WIRE_FRONT_DEFINE, "", OURS);
        agent_answer(agents[FRONT_HELD_CALLS], WIRE_ALLOW, NULL, NEW);
        expect_packet(bench->server, &rewritten);
    }
}

/* ---- without an agent -------------------------------------------------------- */

static void
test_nobody(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(2, OURS);
    const struct packet foreign = packet_define(3, FOREIGN);
    char *message;

    bench_open(bench);
    bench_stop_listening(bench);
    put_packet(bench->client, &define);
    passes(bench, &foreign);
    message = expect_error(bench->client, 11, 2);
    assert_non_null(strstr(message, "systemctl status remorad"));
    assert_non_null(strstr(message, "ask for no image work as before"));
    free(message);
}

/* It dies over the question, is gone for a while, and comes back. */
static void
test_replaced(void **state)
{
    const struct timespec while_gone = {.tv_nsec = 500 * 1000 * 1000};
    struct bench *bench = *state;
    const struct packet define = packet_define(2, OURS);
    const struct packet rewritten = packet_define(2, NEW);
    int agent;

    bench_open(bench);
    put_packet(bench->client, &define);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
    bench_stop_listening(bench);
    (void)close(agent);
    (void)nanosleep(&while_gone, NULL);
    bench_listen(bench);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &rewritten);
}

/* That there was nobody is why it was asked so often. */
static void
test_often(void **state)
{
    const struct timespec while_gone = {.tv_sec = 1};
    struct bench *bench = *state;
    const struct packet define = packet_define(2, OURS);
    char *message;

    bench_open(bench);
    bench_stop_listening(bench);
    put_packet(bench->client, &define);
    (void)nanosleep(&while_gone, NULL);
    bench->often = true;
    message = expect_error(bench->client, 11, 2);
    assert_non_null(strstr(message, "systemctl status remorad"));
    free(message);
    put_packet(bench->client, &define);
    message = expect_error(bench->client, 11, 2);
    assert_non_null(strstr(message, "asked too often"));
    free(message);
}

static void
test_busy(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(2, OURS);
    const struct packet rewritten = packet_define(2, NEW);
    int64_t begun;
    int agent;

    bench_open(bench);
    put_packet(bench->client, &define);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
    begun = hook_clock_ms();
    agent_answer(agent, WIRE_BUSY, "not just now", NULL);
    agent = agent_accept(bench);
    assert_true(hook_clock_ms() - begun >= 99);
    agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &rewritten);
}

/* As long as an agent may be gone, and then for the agent's own reason. */
static void
test_too_busy(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(2, OURS);
    int64_t begun = hook_clock_ms();
    unsigned n = 0;
    char *message;
    int agent;

    bench_open(bench);
    put_packet(bench->client, &define);
    while ((agent = agent_accept_unless(bench, bench->client)) >= 0) {
        agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
        agent_answer(agent, WIRE_BUSY, "not just now", NULL);
        n++;
    }
    assert_in_range(n, 3, FRONT_ASKER_PATIENCE_MS / 100 + 1);
    assert_in_range(hook_clock_ms() - begun, FRONT_ASKER_PATIENCE_MS - 100,
                    FRONT_ASKER_PATIENCE_MS + 3000);
    message = expect_error(bench->client, 11, 2);
    assert_string_equal(message, "remora: not just now");
    free(message);
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
    hook_close(&bench->client);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &rewritten);
    expect_end(bench->server);
}

static void
test_half_closed(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(2, FOREIGN);
    const struct packet reply = packet_reply(11, 2, FRONT_OK);

    bench_open(bench);
    put_packet(bench->client, &define);
    assert_int_equal(shutdown(bench->client, SHUT_WR), 0);
    expect_packet(bench->server, &define);
    expect_end(bench->server);
    put_packet(bench->server, &reply);
    hook_close(&bench->server);
    expect_packet(bench->client, &reply);
    expect_end(bench->client);
}

static void
test_server_leaves(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(2, OURS);
    const struct packet event = ping();
    int agent;

    bench_open(bench);
    put_packet(bench->client, &define);
    agent = agent_accept(bench);
    put_packet(bench->server, &event);
    hook_close(&bench->server);
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
    const struct packet reply = packet_reply(11, 2, FRONT_ERROR);

    bench_open(bench);
    while (send(bench->client, define.bytes, define.len,
                MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
        continue;
    put_packet(bench->server, &reply);
    hook_close(&bench->server);
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
    const struct packet event = ping();
    int agent;

    bench_open(bench);
    put_packet(bench->client, &define);
    hook_close(&bench->client);
    agent = agent_accept(bench);
    put_packet(bench->server, &event);
    agent_expect(agent, WIRE_FRONT_DEFINE, "", OURS);
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

    front_xdr_put(define.bytes, 5);
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
        front_relay_apologise(fds[1], "there is none");
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
        TEST(test_moved),
        TEST(test_devices),
        TEST(test_copy),
        TEST(test_look_late),
        TEST(test_look_at_end),
        TEST(test_look_at_early_end),
        TEST(test_look_at_too_long),
        TEST(test_look_without_thread),
        TEST(test_fds),
        TEST(test_many),
        TEST(test_nobody),
        TEST(test_replaced),
        TEST(test_often),
        TEST(test_busy),
        TEST(test_too_busy),
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
