/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/hooks/proxy-bench.c - a relay between a client, libvirtd and an agent
 */
#include "config.h"

#include "tests/hooks/proxy-bench.h"

#include "hooks/proxy/broker.h"
#include "hooks/proxy/relay.h"
#include "hooks/proxy/xdr.h"
#include "hooks/wire/io.h"
#include "hooks/wire/socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOON()     (wire_clock_ms() + 20000)
#define SILENCE_MS 50

/* What the proxy's parent does for one relay. */
static void *
be_parent(void *data)
{
    struct bench *bench = data;
    struct pollfd entry = {bench->broker, POLLIN, 0};
    uint8_t number;

    for (;;) {
        (void)poll(&entry, 1, -1);
        switch (proxy_broker_listen(bench->broker, &number)) {
        case PROXY_BROKER_QUIET:
            break;
        case PROXY_BROKER_ASKED:
            if (bench->often)
                (void)proxy_broker_deny(bench->broker, number,
                                        PROXY_BROKER_OFTEN);
            else
                (void)proxy_broker_give(bench->broker, number, bench->socket, 1,
                                        2, 3);
            break;
        case PROXY_BROKER_OVER:
        default:
            return NULL;
        }
    }
}

static void
start_relay(struct bench *bench)
{
    int client[2];
    int server[2];
    int broker;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, client),
                     0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, server),
                     0);
    assert_int_equal(proxy_broker_pair(&bench->broker, &broker), 0);
    bench->client = client[0];
    bench->server = server[0];
    bench->relay = fork();
    assert_true(bench->relay >= 0);
    if (bench->relay == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        (void)close(client[0]);
        (void)close(server[0]);
        (void)close(bench->broker);
        _exit(proxy_relay_run(client[1], server[1], broker) ? 0 : 1);
    }
    (void)close(client[1]);
    (void)close(server[1]);
    (void)close(broker);
}

int
bench_enter(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));

    (void)snprintf(bench->dir, sizeof(bench->dir), "/tmp/remora-proxy.XXXXXX");
    assert_non_null(mkdtemp(bench->dir));
    (void)snprintf(bench->socket, sizeof(bench->socket), "%s/%s", bench->dir,
                   WIRE_PROXY_SOCKET);
    start_relay(bench);
    bench_listen(bench);
    assert_int_equal(pthread_create(&bench->parent, NULL, be_parent, bench), 0);
    *state = bench;
    return 0;
}

int
bench_leave(void **state)
{
    struct bench *bench = *state;

    wire_close(&bench->client);
    wire_close(&bench->server);
    assert_int_equal(waitpid(bench->relay, NULL, 0), bench->relay);
    assert_int_equal(pthread_join(bench->parent, NULL), 0);
    wire_close(&bench->broker);
    bench_stop_listening(bench);
    (void)rmdir(bench->dir);
    free(bench);
    return 0;
}

void
bench_listen(struct bench *bench)
{
    struct sockaddr_un address;

    assert_true(wire_socket_address(&address, bench->socket));
    bench->agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(
        bind(bench->agent, (const struct sockaddr *)&address, sizeof(address)),
        0);
    assert_int_equal(listen(bench->agent, 10), 0);
}

void
bench_stop_listening(struct bench *bench)
{
    wire_close(&bench->agent);
    (void)unlink(bench->socket);
}

void
bench_open(struct bench *bench)
{
    const struct packet open = packet_open(1, 0);
    const struct packet reply =
        packet_reply(PROXY_PROC_CONNECT_OPEN, 1, PROXY_OK);

    put_packet(bench->client, &open);
    expect_packet(bench->server, &open);
    put_packet(bench->server, &reply);
    expect_packet(bench->client, &reply);
}

/* ---- packets --------------------------------------------------------------- */

void
put_packet(int fd, const struct packet *packet)
{
    assert_int_equal(wire_write(fd, packet->bytes, packet->len, SOON()),
                     WIRE_IO_DONE);
}

void
expect_packet(int fd, const struct packet *packet)
{
    uint8_t bytes[PACKET_MAX];

    assert_int_equal(wire_read(fd, bytes, packet->len, SOON()), WIRE_IO_DONE);
    assert_memory_equal(bytes, packet->bytes, packet->len);
}

char *
expect_error(int fd, uint32_t procedure, uint32_t serial)
{
    struct proxy_header header;
    struct proxy_text text;
    struct proxy_xdr xdr;
    uint8_t bytes[3000];
    char *message;

    assert_int_equal(wire_read(fd, bytes, PROXY_HEADER_LEN, SOON()),
                     WIRE_IO_DONE);
    assert_true(proxy_header_read(bytes, &header));
    assert_true(header.len <= sizeof(bytes));
    assert_int_equal(wire_read(fd, bytes + PROXY_HEADER_LEN,
                               header.len - PROXY_HEADER_LEN, SOON()),
                     WIRE_IO_DONE);
    assert_int_equal(header.procedure, procedure);
    assert_int_equal(header.serial, serial);
    assert_int_equal(header.type, PROXY_REPLY);
    assert_int_equal(header.status, PROXY_ERROR);
    proxy_xdr_begin(&xdr, bytes, header.len);
    proxy_xdr_skip(&xdr, PROXY_HEADER_LEN + 8);
    assert_true(proxy_xdr_optional(&xdr, &text));
    message = strndup((const char *)bytes + text.at, text.len);
    assert_non_null(message);
    return message;
}

void
expect_silence(int fd)
{
    struct pollfd entry = {fd, POLLIN, 0};

    assert_int_equal(poll(&entry, 1, SILENCE_MS), 0);
}

void
expect_end(int fd)
{
    char byte;

    assert_int_equal(wire_read(fd, &byte, 1, SOON()), WIRE_IO_END);
}

/* ---- agent ----------------------------------------------------------------- */

int
agent_accept_unless(struct bench *bench, int unless)
{
    struct pollfd entries[] = {{bench->agent, POLLIN, 0}, {unless, POLLIN, 0}};
    struct wire_client client;
    struct wire_greeting greeting;
    int fd;

    assert_true(poll(entries, 2, 20000) > 0);
    if (!entries[0].revents)
        return -1;
    fd = accept4(bench->agent, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(wire_read(fd, &client, sizeof(client), SOON()),
                     WIRE_IO_DONE);
    assert_null(wire_client_check(&client));
    assert_int_equal(client.uid, 1);
    assert_int_equal(client.gid, 2);
    assert_int_equal(client.pid, 3);
    wire_greeting_init(&greeting, 30000);
    assert_int_equal(wire_write(fd, &greeting, sizeof(greeting), SOON()),
                     WIRE_IO_DONE);
    return fd;
}

int
agent_accept(struct bench *bench)
{
    return agent_accept_unless(bench, -1);
}

void
agent_expect(int fd, enum wire_op op, const char *name, const char *body)
{
    struct wire_request request;
    char text[1024];

    assert_int_equal(wire_read(fd, &request, sizeof(request), SOON()),
                     WIRE_IO_DONE);
    assert_null(wire_request_check(&request));
    assert_int_equal(request.op, op);
    assert_int_equal(request.name_len, strlen(name));
    assert_int_equal(request.body_len, strlen(body));
    assert_int_equal(
        wire_read(fd, text, request.name_len + request.body_len, SOON()),
        WIRE_IO_DONE);
    assert_memory_equal(text, name, strlen(name));
    assert_memory_equal(text + strlen(name), body, strlen(body));
}

void
agent_answer(int fd,
             enum wire_verdict verdict,
             const char *message,
             const char *output)
{
    size_t message_len = message ? strlen(message) : 0;
    size_t output_len = output ? strlen(output) : 0;
    struct wire_answer answer;

    wire_answer_init(&answer, verdict, message_len, output_len);
    assert_int_equal(wire_write(fd, &answer, sizeof(answer), SOON()),
                     WIRE_IO_DONE);
    assert_int_equal(wire_write(fd, message, message_len, SOON()),
                     WIRE_IO_DONE);
    assert_int_equal(wire_write(fd, output, output_len, SOON()), WIRE_IO_DONE);
    (void)close(fd);
}

void
bench_passes(struct bench *bench, const struct packet *packet)
{
    put_packet(bench->client, packet);
    expect_packet(bench->server, packet);
}

struct packet
packet_ping(void)
{
    struct packet packet;

    packet_header(&packet, 11, PROXY_MESSAGE, 0, PROXY_OK);
    proxy_xdr_put(packet.bytes + 4, 0x6b656570);
    packet_end(&packet);
    return packet;
}

struct packet
packet_attach(uint32_t procedure, uint32_t serial, uint32_t flags)
{
    struct packet packet;

    packet_header(&packet, procedure, PROXY_CALL, serial, PROXY_OK);
    packet_domain(&packet);
    packet_text(&packet, OURS);
    if (procedure != 8)
        packet_u32(&packet, flags);
    packet_end(&packet);
    return packet;
}
