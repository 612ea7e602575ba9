/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/hooks/test-proxy-agent.c - devices and domains that the agent is asked
 * about through a relay, and an agent that does not answer
 */
#include "config.h"

#include "tests/hooks/proxy-bench.h"

#include "hooks/proxy/relay.h"
#include "hooks/proxy/session.h"
#include "hooks/proxy/threads.h"
#include "hooks/wire/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Opened, with an attach that the agent allows under way at libvirtd. */
static void
attach_goes_on(struct bench *bench, const struct packet *call)
{
    int agent;

    bench_open(bench);
    put_packet(bench->client, call);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_ATTACH_LIVE, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    expect_packet(bench->server, call);
}

/* Opened, with the agent asked: the connection to answer on. */
static int
define_is_asked_about(struct bench *bench, const struct packet *define)
{
    int agent;

    bench_open(bench);
    put_packet(bench->client, define);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_DEFINE, "", OURS);
    return agent;
}

static void
test_moved(void **state)
{
    struct bench *bench = *state;
    struct packet begin[2];
    int agent;

    bench_open(bench);
    for (size_t i = 0; i < 2; i++) {
        packet_header(&begin[i], 302, PROXY_CALL, 4, PROXY_OK);
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
    agent_expect(agent, WIRE_PROXY_MOVE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_MOVE, "", OURS " ");
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &begin[1]);
}

/* virDomainMigrateBegin3Params, which copies these disks. */
static struct packet
packet_leaves(uint32_t flags, const char *xml, const char *disk)
{
    struct packet begin;

    packet_header(&begin, 302, PROXY_CALL, 4, PROXY_OK);
    packet_domain(&begin);
    packet_u32(&begin, (uint32_t)(xml != NULL) + (uint32_t)(disk != NULL));
    for (unsigned i = 0; i < 2; i++) {
        if (!(i ? disk : xml))
            continue;
        packet_text(&begin, i ? "migrate_disks" : "destination_xml");
        packet_u32(&begin, 7);
        packet_text(&begin, i ? disk : xml);
    }
    packet_u32(&begin, flags);
    packet_end(&begin);
    return begin;
}

/* libvirt knows what the domain has, so the agent is asked though there is no
 * XML; and refuses. */
static void
test_disks_move(void **state)
{
    struct bench *bench = *state;
    const struct packet all = packet_leaves(64 + 1, NULL, NULL);
    const struct packet none = packet_leaves(1, NULL, "vda");
    char *why;
    int agent;

    bench_open(bench);
    put_packet(bench->client, &none);
    expect_packet(bench->server, &none);
    put_packet(bench->client, &all);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_MOVE_DISKS, PACKET_UUID, "-");
    agent_answer(agent, WIRE_REFUSE, "not onto itself", NULL);
    why = expect_error(bench->client, 302, 4);
    assert_non_null(strstr(why, "remora: not onto itself"));
    free(why);
    put_packet(bench->client, &all);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_MOVE_DISKS, PACKET_UUID, "-");
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    expect_packet(bench->server, &all);
}

/* What it is to be there is rewritten, and shown as the client gave it. */
static void
test_disks_move_elsewhere(void **state)
{
    struct bench *bench = *state;
    const struct packet call = packet_leaves(128, OURS, "vda");
    const struct packet rewritten = packet_leaves(128, NEW, "vda");
    int agent;

    bench_open(bench);
    put_packet(bench->client, &call);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_MOVE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_MOVE_DISKS, PACKET_UUID, "+vda\n-" OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    expect_packet(bench->server, &rewritten);
}

static void
test_devices(void **state)
{
    static const struct {
        uint32_t procedure;
        uint32_t flags;
        enum wire_op op;
    } calls[] = {
        {8, 0, WIRE_PROXY_ATTACH_LIVE},   {160, 0, WIRE_PROXY_ATTACH_LIVE},
        {160, 1, WIRE_PROXY_ATTACH_LIVE}, {160, 3, WIRE_PROXY_ATTACH_LIVE},
        {160, 2, WIRE_PROXY_DEVICE},      {174, 2, WIRE_PROXY_UPDATE},
        {174, 1, WIRE_PROXY_UPDATE},
    };
    struct bench *bench = *state;

    bench_open(bench);
    for (uint32_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        uint32_t procedure = calls[i].procedure;
        const struct packet call =
            packet_attach(procedure, 9 + i, calls[i].flags);
        const struct packet reply =
            packet_reply(procedure, 9 + i, i % 2 ? PROXY_OK : PROXY_ERROR);
        const struct packet other = packet_reply(procedure, 99, PROXY_OK);
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
        agent_expect(agent, WIRE_PROXY_CALL_ENDED, PACKET_UUID,
                     calls[i].op == WIRE_PROXY_ATTACH_LIVE ? OURS : "");
        expect_packet(bench->client, &other);
        expect_silence(bench->client);
        agent_answer(agent, i % 2 ? WIRE_ALLOW : WIRE_REFUSE, NULL, NULL);
        expect_packet(bench->client, &reply);
    }
}

/* The agent knows by the device that it gave which call has ended. */
static void
test_device_answered(void **state)
{
    struct bench *bench = *state;
    const struct packet call = packet_attach(8, 7, 0);
    const struct packet reply = packet_reply(8, 7, PROXY_OK);
    struct packet rewritten;
    int agent;

    packet_header(&rewritten, 8, PROXY_CALL, 7, PROXY_OK);
    packet_domain(&rewritten);
    packet_text(&rewritten, NEW);
    packet_end(&rewritten);
    bench_open(bench);
    put_packet(bench->client, &call);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_ATTACH_LIVE, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &rewritten);
    put_packet(bench->server, &reply);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_CALL_ENDED, PACKET_UUID, NEW);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    expect_packet(bench->client, &reply);
}

static void
test_copy(void **state)
{
    struct bench *bench = *state;
    const struct packet reply = packet_reply(345, 5, PROXY_OK);
    struct packet copy;
    int agent;

    packet_header(&copy, 345, PROXY_CALL, 5, PROXY_OK);
    packet_domain(&copy);
    packet_text(&copy, "vda");
    packet_text(&copy, OURS);
    packet_u32(&copy, 0);
    packet_u32(&copy, 0);
    packet_end(&copy);
    bench_open(bench);
    put_packet(bench->client, &copy);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_COPY, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    expect_packet(bench->server, &copy);
    put_packet(bench->server, &reply);
    expect_packet(bench->client, &reply); /* the agent is not told */
}

static void
test_look_late(void **state)
{
    struct bench *bench = *state;
    const struct packet call = packet_attach(8, 7, 0);
    const struct packet reply = packet_reply(8, 7, PROXY_OK);
    int64_t begun;
    int agent;

    attach_goes_on(bench, &call);
    begun = wire_clock_ms();
    put_packet(bench->server, &reply);
    agent = agent_accept(bench);
    expect_packet(bench->client, &reply);
    assert_true(wire_clock_ms() - begun >= PROXY_NOTICE_MS - 100);
    (void)close(agent);
}

/* libvirtd dies over an attach: nobody knows whether that has ended. */
static void
test_look_at_end(void **state)
{
    struct bench *bench = *state;
    const struct packet call = packet_attach(8, 7, 0);
    int agent;

    attach_goes_on(bench, &call);
    wire_close(&bench->server);
    expect_end(bench->client);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_CALL_ENDED, PACKET_UUID, "");
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
}

/* It has, where the call cannot go on any more. */
static void
test_look_at_early_end(void **state)
{
    struct bench *bench = *state;
    const struct packet call = packet_attach(160, 7, 3);
    int agent;

    bench_open(bench);
    put_packet(bench->client, &call);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_ATTACH_LIVE, PACKET_UUID, OURS);
    wire_close(&bench->server);
    expect_end(bench->client);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_CALL_ENDED, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
}

/* Allowed, and refused here: its disk is in nobody's use. */
static void
test_look_at_too_long(void **state)
{
    struct bench *bench = *state;
    const struct packet call = packet_attach(8, 7, 0);
    size_t len = PROXY_XDR_STRING_MAX + 1;
    char *output = malloc(len + 1);
    char *message;
    int agent;

    memset(output, 'x', len);
    output[len] = '\0';
    bench_open(bench);
    put_packet(bench->client, &call);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_ATTACH_LIVE, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, output);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_CALL_ENDED, PACKET_UUID, OURS);
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

/* The reply does not wait for ever for a thread, but the notice does. */
static void
test_look_without_thread(void **state)
{
    const struct rlimit little = {1, RLIM_INFINITY};
    struct bench *bench = *state;
    const struct packet call = packet_attach(8, 7, 0);
    const struct packet reply = packet_reply(8, 7, PROXY_OK);
    const struct packet define = packet_define(8, OURS);
    int other;
    int agent;

    if (!LIMITS_MEMORY)
        skip();
    attach_goes_on(bench, &call);
    /* When the thread has ended, the next has the only stack that there is. */
    expect_silence(bench->agent);
    put_packet(bench->client, &define);
    other = agent_accept(bench);
    agent_expect(other, WIRE_PROXY_DEFINE, "", OURS);
    assert_int_equal(prlimit(bench->relay, RLIMIT_AS, &little, NULL), 0);
    put_packet(bench->server, &reply);
    expect_silence(bench->client);
    expect_packet(bench->client, &reply);
    expect_silence(bench->agent);
    agent_answer(other, WIRE_ALLOW, NULL, NULL);
    expect_packet(bench->server, &define);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_CALL_ENDED, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
}

/* It is away for longer than a call would wait for it, and hears of the end of the
 * attach when it is back. */
static void
test_end_while_away(void **state)
{
    const struct timespec while_gone = {.tv_sec =
                                            PROXY_AGENT_PATIENCE_MS / 1000 + 2};
    struct bench *bench = *state;
    const struct packet call = packet_attach(8, 7, 0);
    const struct packet reply = packet_reply(8, 7, PROXY_ERROR);
    int agent;

    attach_goes_on(bench, &call);
    bench_stop_listening(bench);
    put_packet(bench->server, &reply);
    expect_packet(bench->client, &reply);
    (void)nanosleep(&while_gone, NULL);
    bench_listen(bench);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_CALL_ENDED, PACKET_UUID, OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NULL);
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
    bench_passes(bench, &foreign);
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

    agent = define_is_asked_about(bench, &define);
    bench_stop_listening(bench);
    (void)close(agent);
    (void)nanosleep(&while_gone, NULL);
    bench_listen(bench);
    agent = agent_accept(bench);
    agent_expect(agent, WIRE_PROXY_DEFINE, "", OURS);
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

    agent = define_is_asked_about(bench, &define);
    begun = wire_clock_ms();
    agent_answer(agent, WIRE_BUSY, "not just now", NULL);
    agent = agent_accept(bench);
    assert_true(wire_clock_ms() - begun >= 99);
    agent_expect(agent, WIRE_PROXY_DEFINE, "", OURS);
    agent_answer(agent, WIRE_ALLOW, NULL, NEW);
    expect_packet(bench->server, &rewritten);
}

/* As long as an agent may be gone, and then for the agent's own reason. */
static void
test_too_busy(void **state)
{
    struct bench *bench = *state;
    const struct packet define = packet_define(2, OURS);
    int64_t begun = wire_clock_ms();
    unsigned n = 0;
    char *message;
    int agent;

    bench_open(bench);
    put_packet(bench->client, &define);
    while ((agent = agent_accept_unless(bench, bench->client)) >= 0) {
        agent_expect(agent, WIRE_PROXY_DEFINE, "", OURS);
        agent_answer(agent, WIRE_BUSY, "not just now", NULL);
        n++;
    }
    assert_in_range(n, 3, PROXY_AGENT_PATIENCE_MS / 100 + 1);
    assert_in_range(wire_clock_ms() - begun, PROXY_AGENT_PATIENCE_MS - 100,
                    PROXY_AGENT_PATIENCE_MS + 3000);
    message = expect_error(bench->client, 11, 2);
    assert_string_equal(message, "remora: not just now");
    free(message);
}

int
main(void)
{
#define TEST(name)                                                             \
    cmocka_unit_test_setup_teardown(name, bench_enter, bench_leave)
    const struct CMUnitTest tests[] = {
        TEST(test_moved),
        TEST(test_disks_move),
        TEST(test_disks_move_elsewhere),
        TEST(test_devices),
        TEST(test_device_answered),
        TEST(test_copy),
        TEST(test_look_late),
        TEST(test_look_at_end),
        TEST(test_look_at_early_end),
        TEST(test_look_at_too_long),
        TEST(test_look_without_thread),
        TEST(test_end_while_away),
        TEST(test_nobody),
        TEST(test_replaced),
        TEST(test_often),
        TEST(test_busy),
        TEST(test_too_busy),
    };

    signal(SIGPIPE, SIG_IGN);
    alarm(180);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
