/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-proxy-pipe.c - bytes, packets and descriptors in and out
 */
#include "config.h"

#include "hooks/proxy/pipe.h"
#include "hooks/proxy/xdr.h"

#include "tests/unit/proxy-packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A pipe between two socketpairs, and what its callbacks saw. */
struct bench {
    int in;  /* the sender's */
    int out; /* the receiver's */
    int from;
    int to;
    enum proxy_choice choice;   /* for packets of procedure 11 */
    struct proxy_packet *whole; /* the last one */
    unsigned n_whole;
    struct proxy_pipe pipe;
};

static enum proxy_choice
begins(void *opaque, const struct proxy_header *header)
{
    struct bench *bench = opaque;

    return header->procedure == 11 || header->procedure == 309 ? bench->choice
                                                               : PROXY_PASS_ON;
}

static void
whole(void *opaque, struct proxy_packet *packet)
{
    struct bench *bench = opaque;

    proxy_packet_free(bench->whole);
    bench->whole = packet;
    bench->n_whole++;
}

static const struct proxy_pipe_calls calls = {begins, whole, NULL};

static int
setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
    bench->in = fds[0];
    bench->from = fds[1];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds),
                     0);
    bench->to = fds[0];
    bench->out = fds[1];
    bench->choice = PROXY_HOLD;
    proxy_pipe_init(&bench->pipe, bench->from, bench->to, PROXY_CALL_WITH_FDS,
                    &calls, bench);
    *state = bench;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *bench = *state;
    const int fds[] = {bench->in, bench->out, bench->from, bench->to};

    proxy_packet_free(bench->whole);
    proxy_pipe_clear(&bench->pipe);
    proxy_socket_close_all(fds, 4);
    free(bench);
    return 0;
}

static void
put(struct bench *bench, const void *bytes, size_t len)
{
    assert_int_equal(send(bench->in, bytes, len, MSG_DONTWAIT), len);
}

static void
put_fd(struct bench *bench, int fd)
{
    assert_int_equal(proxy_socket_send(bench->in, "", 1, fd), 1);
}

static void
expect(struct bench *bench, const void *bytes, size_t len)
{
    uint8_t *got = malloc(len + 1);

    assert_int_equal(recv(bench->out, got, len + 1, MSG_DONTWAIT), len);
    assert_memory_equal(got, bytes, len);
    free(got);
}

static void
expect_nothing(struct bench *bench)
{
    uint8_t byte;

    assert_int_equal(recv(bench->out, &byte, 1, MSG_DONTWAIT), -1);
}

static struct proxy_packet *
new_packet(const struct packet *bytes)
{
    struct proxy_header header;
    struct proxy_packet *packet;

    assert_true(proxy_header_read(bytes->bytes, &header));
    packet = proxy_packet_new(&header);
    memcpy(packet->bytes, bytes->bytes, bytes->len);
    packet->len = bytes->len;
    return packet;
}

static void
test_pass(void **state)
{
    struct bench *bench = *state;
    const struct packet one = packet_open(1, 0);

    put(bench, one.bytes, one.len);
    put(bench, one.bytes, one.len);
    proxy_pipe_run(&bench->pipe);
    assert_true(proxy_pipe_wants_input(&bench->pipe));
    assert_false(proxy_pipe_wants_output(&bench->pipe));
    assert_int_equal(bench->pipe.end, PROXY_GOES_ON);
    shutdown(bench->in, SHUT_WR);
    proxy_pipe_run(&bench->pipe);
    assert_int_equal(bench->pipe.end, PROXY_CLOSED);
    {
        uint8_t both[2 * PACKET_MAX];

        memcpy(both, one.bytes, one.len);
        memcpy(both + one.len, one.bytes, one.len);
        expect(bench, both, 2 * one.len);
    }
}

/* Each byte goes on as soon as it can. */
static void
test_bytes(void **state)
{
    struct bench *bench = *state;
    const struct packet one = packet_open(1, 0);
    const struct packet held = packet_define(2, "<domain/>");

    for (size_t i = 0; i < one.len; i++) {
        put(bench, one.bytes + i, 1);
        proxy_pipe_run(&bench->pipe);
        if (i + 1 < PROXY_HEADER_LEN)
            expect_nothing(bench);
        else if (i + 1 == PROXY_HEADER_LEN)
            expect(bench, one.bytes, PROXY_HEADER_LEN);
        else
            expect(bench, one.bytes + i, 1);
    }
    for (size_t i = 0; i < held.len; i++) {
        assert_int_equal(bench->n_whole, 0);
        put(bench, held.bytes + i, 1);
        proxy_pipe_run(&bench->pipe);
    }
    assert_int_equal(bench->n_whole, 1);
    assert_int_equal(bench->whole->len, held.len);
    assert_memory_equal(bench->whole->bytes, held.bytes, held.len);
    assert_int_equal(bench->whole->header.serial, 2);
    expect_nothing(bench);
}

/* What is put in goes out between packets, and while one is collected. */
static void
test_put(void **state)
{
    struct bench *bench = *state;
    const struct packet one = packet_open(1, 0);
    const struct packet held = packet_define(2, "<domain/>");
    const struct packet other = packet_define(3, "<domain>other</domain>");

    put(bench, one.bytes, one.len - 3);
    proxy_pipe_run(&bench->pipe);
    proxy_pipe_put(&bench->pipe, new_packet(&other));
    proxy_pipe_run(&bench->pipe);
    expect(bench, one.bytes, one.len - 3);
    put(bench, one.bytes + one.len - 3, 3);
    proxy_pipe_run(&bench->pipe);
    {
        uint8_t both[2 * PACKET_MAX];

        memcpy(both, one.bytes + one.len - 3, 3);
        memcpy(both + 3, other.bytes, other.len);
        expect(bench, both, 3 + other.len);
    }
    /* Half a header is not under way yet. */
    put(bench, held.bytes, 20);
    proxy_pipe_run(&bench->pipe);
    proxy_pipe_put(&bench->pipe, new_packet(&other));
    proxy_pipe_run(&bench->pipe);
    expect(bench, other.bytes, other.len);
    put(bench, held.bytes + 20, held.len - 21);
    proxy_pipe_run(&bench->pipe);
    proxy_pipe_put(&bench->pipe, new_packet(&other));
    proxy_pipe_run(&bench->pipe);
    expect(bench, other.bytes, other.len);
    put(bench, held.bytes + held.len - 1, 1);
    proxy_pipe_run(&bench->pipe);
    assert_int_equal(bench->n_whole, 1);
}

static void
test_wait(void **state)
{
    struct bench *bench = *state;
    const struct packet held = packet_define(2, "<domain/>");

    bench->choice = PROXY_WAIT;
    put(bench, held.bytes, held.len);
    proxy_pipe_run(&bench->pipe);
    assert_false(proxy_pipe_wants_input(&bench->pipe));
    shutdown(bench->in, SHUT_WR);
    proxy_pipe_run(&bench->pipe);
    assert_int_equal(bench->pipe.end, PROXY_GOES_ON);
    proxy_pipe_go_on(&bench->pipe);
    proxy_pipe_run(&bench->pipe);
    assert_int_equal(bench->n_whole, 0); /* it is to wait again */
    bench->choice = PROXY_HOLD;
    proxy_pipe_go_on(&bench->pipe);
    proxy_pipe_expect(&bench->pipe);
    proxy_pipe_run(&bench->pipe);
    assert_int_equal(bench->n_whole, 1);
    /* One that is out for a question holds the end up. */
    assert_int_equal(bench->pipe.end, PROXY_GOES_ON);
    proxy_pipe_put(&bench->pipe, new_packet(&held));
    proxy_pipe_drop(&bench->pipe);
    proxy_pipe_run(&bench->pipe);
    assert_int_equal(bench->pipe.end, PROXY_CLOSED);
    expect(bench, held.bytes, held.len);
}

/* A stream of packets, larger than any buffer, to a slow reader. */
static void
test_backlog(void **state)
{
    enum { LEN = 3000000, STEP = 10007 };
    struct bench *bench = *state;
    uint8_t *bytes = malloc(LEN);
    uint8_t *got = malloc(LEN + STEP);
    size_t sent = 0;
    size_t received = 0;
    struct packet head;

    packet_header(&head, 99, PROXY_STREAM, 5, PROXY_CONTINUE);
    for (size_t i = 0; i < LEN; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
    memcpy(bytes, head.bytes, PROXY_HEADER_LEN);
    proxy_xdr_put(bytes, LEN);
    while (received < LEN) {
        ssize_t n = send(bench->in, bytes + sent, LEN - sent, MSG_DONTWAIT);

        if (n > 0)
            sent += (size_t)n;
        proxy_pipe_run(&bench->pipe);
        assert_int_equal(bench->pipe.end, PROXY_GOES_ON);
        n = recv(bench->out, got + received, STEP, MSG_DONTWAIT);
        if (n > 0)
            received += (size_t)n;
    }
    assert_memory_equal(bytes, got, LEN);
    free(bytes);
    free(got);
}

static void
test_malformed(void **state)
{
    struct bench *bench = *state;
    struct packet one = packet_open(1, 0);

    proxy_xdr_put(one.bytes, 27);
    put(bench, one.bytes, one.len);
    proxy_pipe_run(&bench->pipe);
    assert_int_equal(bench->pipe.end, PROXY_BROKEN);
    expect_nothing(bench);
}

static void
test_cut_off(void **state)
{
    struct bench *bench = *state;
    const struct packet held = packet_define(2, "<domain/>");

    put(bench, held.bytes, held.len - 1);
    shutdown(bench->in, SHUT_WR);
    proxy_pipe_run(&bench->pipe);
    assert_int_equal(bench->pipe.end, PROXY_CLOSED);
    assert_int_equal(bench->n_whole, 0);
}

/* What would follow can go nowhere any more, whether it is there or expected. */
static void
test_cut_off_while_passing(void **state)
{
    struct bench *bench = *state;
    const struct packet one = packet_open(1, 0);
    const struct packet other = packet_define(3, "<domain>other</domain>");

    put(bench, one.bytes, one.len - 3);
    proxy_pipe_run(&bench->pipe);
    proxy_pipe_put(&bench->pipe, new_packet(&other));
    proxy_pipe_expect(&bench->pipe);
    proxy_pipe_run(&bench->pipe);
    assert_int_equal(bench->pipe.end, PROXY_GOES_ON);
    shutdown(bench->in, SHUT_WR);
    proxy_pipe_run(&bench->pipe);
    assert_int_equal(bench->pipe.end, PROXY_CLOSED);
    expect(bench, one.bytes, one.len - 3);
}

static void
test_reader_gone(void **state)
{
    struct bench *bench = *state;
    const struct packet one = packet_open(1, 0);

    close(bench->out);
    bench->out = -1;
    put(bench, one.bytes, one.len);
    proxy_pipe_run(&bench->pipe);
    assert_int_equal(bench->pipe.end, PROXY_CUT);
}

/* ---- descriptors ----------------------------------------------------------- */

static struct packet
with_fds(uint32_t procedure, uint32_t n)
{
    struct packet packet;

    packet_header(&packet, procedure, PROXY_CALL_WITH_FDS, 9, PROXY_OK);
    packet_u32(&packet, n);
    packet_text(&packet, "<domain/>");
    packet_u32(&packet, 0);
    packet_end(&packet);
    return packet;
}

static void
expect_fd(struct bench *bench, int like)
{
    struct stat wanted;
    struct stat found;
    int fds[PROXY_FDS_MAX];
    size_t n = 0;
    char byte = 'x';

    assert_int_equal(proxy_socket_receive(bench->out, &byte, 1, fds, &n), 1);
    assert_int_equal(byte, 0);
    assert_int_equal(n, 1);
    assert_int_equal(fstat(like, &wanted), 0);
    assert_int_equal(fstat(fds[0], &found), 0);
    assert_int_equal(wanted.st_ino, found.st_ino);
    close(fds[0]);
}

static void
expect_bytes(struct bench *bench, const struct packet *packet)
{
    uint8_t got[PACKET_MAX];

    assert_int_equal(recv(bench->out, got, packet->len, MSG_DONTWAIT),
                     packet->len);
    assert_memory_equal(got, packet->bytes, packet->len);
}

/* At once and one by one; passed, and held. */
static void
test_fds(void **state)
{
    struct bench *bench = *state;
    int fds[] = {open("/dev/null", O_RDONLY), open("/", O_RDONLY)};

    for (uint32_t procedure = 309; procedure <= 310; procedure++)
        for (int slow = 0; slow < 2; slow++) {
            const struct packet packet = with_fds(procedure, 2);

            put(bench, packet.bytes, packet.len);
            for (size_t i = 0; i < 2; i++) {
                if (slow)
                    proxy_pipe_run(&bench->pipe);
                put_fd(bench, fds[i]);
            }
            proxy_pipe_run(&bench->pipe);
            if (procedure == 309) {
                expect_nothing(bench);
                assert_int_equal(bench->whole->n_fds, 2);
                proxy_pipe_put(&bench->pipe, bench->whole);
                bench->whole = NULL;
                proxy_pipe_run(&bench->pipe);
            }
            expect_bytes(bench, &packet);
            expect_fd(bench, fds[0]);
            expect_fd(bench, fds[1]);
            assert_int_equal(bench->pipe.end, PROXY_GOES_ON);
            assert_int_equal(bench->pipe.state, PROXY_AT_HEADER);
        }
    proxy_socket_close_all(fds, 2);
}

static void
breaks_after(struct bench *bench)
{
    proxy_pipe_run(&bench->pipe);
    assert_int_equal(bench->pipe.end, PROXY_BROKEN);
}

static void
test_fd_with_header(void **state)
{
    struct bench *bench = *state;
    const struct packet one = packet_open(1, 0);

    assert_int_equal(proxy_socket_send(bench->in, one.bytes, 20, bench->in),
                     20);
    breaks_after(bench);
}

static void
test_fd_at_end_of_plain(void **state)
{
    struct bench *bench = *state;
    const struct packet one = packet_open(1, 0);

    put(bench, one.bytes, one.len - 1);
    put_fd(bench, bench->in);
    breaks_after(bench);
}

static void
test_fd_between(void **state)
{
    struct bench *bench = *state;
    const struct packet one = packet_open(1, 0);

    put(bench, one.bytes, one.len);
    put_fd(bench, bench->in);
    breaks_after(bench);
}

static void
test_fd_missing(void **state)
{
    struct bench *bench = *state;
    const struct packet packet = with_fds(309, 1);

    put(bench, packet.bytes, packet.len);
    put(bench, "", 1);
    breaks_after(bench);
    assert_int_equal(bench->n_whole, 0);
}

static void
test_too_many_fds(void **state)
{
    struct bench *bench = *state;
    const struct packet packet = with_fds(309, PROXY_FDS_MAX + 1);

    put(bench, packet.bytes, packet.len);
    breaks_after(bench);
}

/* libvirtd takes what looks like a reply for one without descriptors, and a
 * client what looks like a call. */
static void
test_fds_of_other_way(void **state)
{
    struct bench *bench = *state;
    const struct packet held = packet_define(2, "<domain/>");
    struct packet other = with_fds(310, 2);
    uint8_t got[2 * PACKET_MAX];

    proxy_xdr_put(other.bytes + 16, PROXY_REPLY_WITH_FDS);
    for (int way = 0; way < 2; way++) {
        put(bench, other.bytes, other.len);
        put(bench, held.bytes, held.len);
        proxy_pipe_run(&bench->pipe);
        assert_int_equal(recv(bench->out, got, sizeof(got), MSG_DONTWAIT),
                         other.len);
        assert_int_equal(bench->n_whole, way + 1);
        proxy_xdr_put(other.bytes + 16, PROXY_CALL_WITH_FDS);
        bench->pipe.with_fds = PROXY_REPLY_WITH_FDS;
    }
    put_fd(bench, bench->in);
    breaks_after(bench);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_pass),
        TEST(test_bytes),
        TEST(test_put),
        TEST(test_wait),
        TEST(test_backlog),
        TEST(test_malformed),
        TEST(test_cut_off),
        TEST(test_cut_off_while_passing),
        TEST(test_reader_gone),
        TEST(test_fds),
        TEST(test_fd_with_header),
        TEST(test_fd_between),
        TEST(test_fd_at_end_of_plain),
        TEST(test_fd_missing),
        TEST(test_too_many_fds),
        TEST(test_fds_of_other_way),
    };

    signal(SIGPIPE, SIG_IGN);
    alarm(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
