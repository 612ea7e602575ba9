/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/fuzz/fuzz-proxy.c - any bytes from a client, and from libvirtd
 *
 * Whatever they are: no crash, no leak; what comes out is what went in up to
 * where the pipe broke, though every packet that might be interesting was taken
 * out and put in again; and a call whose texts were replaced can be read again.
 * In 'make check' packets made by hand are run, cut short and with wrong bits.
 * To fuzz, in a build directory:
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -DREMORA_LIBFUZZER \
 *         -D_GNU_SOURCE -I.. -I. ../tests/fuzz/fuzz-proxy.c ../tests/unit/proxy-packets.c \
 *         ../hooks/proxy/{calls,packet,pipe,question,socket,xdr}.c \
 *         ../hooks/wire/{io,sieve}.c -o fuzz-proxy
 *     mkdir -p corpus && ./fuzz-proxy -max_len=20000 -max_total_time=60 corpus
 */
#include "config.h"

#include "hooks/proxy/pipe.h"
#include "hooks/proxy/question.h"

#include "tests/unit/proxy-packets.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK 1021u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct proxy_pipe *pipe;
    const uint8_t *sent;
    size_t seen; /* how much of that has come out */
};

static void
must(bool so, const char *what)
{
    if (so)
        return;
    (void)fprintf(stderr, "fuzz-proxy: %s\n", what);
    abort();
}

/* The proxy holds fewer; the more, the better here. */
static enum proxy_choice
begins(void *opaque, const struct proxy_header *header)
{
    (void)opaque;
    return proxy_kind(header->procedure) == PROXY_PASS &&
                   header->procedure != PROXY_PROC_CONNECT_OPEN
               ? PROXY_PASS_ON
               : PROXY_HOLD;
}

static struct proxy_packet *
copy_of(const struct proxy_packet *packet)
{
    struct proxy_packet *copy = proxy_packet_new(&packet->header);

    must(copy != NULL, "no memory");
    memcpy(copy->bytes, packet->bytes, packet->len);
    copy->len = packet->len;
    return copy;
}

static void
try_replacing(struct proxy_packet *packet)
{
    const char *why;
    struct proxy_question *question = proxy_question_new(packet, &why);
    struct proxy_call call;
    size_t head;

    if (!question)
        return;
    for (size_t i = 0; i < question->n_texts; i++) {
        if (!question->texts[i])
            continue;
        question->news[i] = strdup("<domain/>");
        question->new_lens[i] = strlen("<domain/>");
    }
    must(proxy_question_replace(question), "it was not replaced");
    head = proxy_packet_head(packet);
    must(proxy_call_read(packet->header.procedure, packet->bytes + head,
                         packet->len - head, &call),
         "what was replaced cannot be read");
    must(call.n_texts == question->n_texts, "a text was lost");
    proxy_question_free(question);
}

static void
whole(void *opaque, struct proxy_packet *packet)
{
    struct run *run = opaque;
    struct proxy_packet *copy = copy_of(packet);
    size_t head = proxy_packet_head(packet);

    must(packet->len == packet->header.len, "it is not whole");
    (void)proxy_open_is_rw(packet->bytes + head, packet->len - head);
    try_replacing(copy);
    proxy_packet_free(copy);
    proxy_pipe_put(run->pipe, packet);
}

static const struct proxy_pipe_calls calls = {begins, whole, NULL};

static void
drain(struct run *run, int out)
{
    uint8_t bytes[CHUNK];
    ssize_t got;

    while ((got = recv(out, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
        must(memcmp(bytes, run->sent + run->seen, (size_t)got) == 0,
             "other bytes came out");
        run->seen += (size_t)got;
    }
}

static void
go_through(struct run *run, int in, int out, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size && run->pipe->end == PROXY_GOES_ON;) {
        size_t len = size - at < CHUNK ? size - at : CHUNK;

        must(send(in, data + at, len, MSG_DONTWAIT) == (ssize_t)len,
             "it does not read");
        at += len;
        proxy_pipe_run(run->pipe);
        drain(run, out);
    }
    (void)shutdown(in, SHUT_WR);
    proxy_pipe_run(run->pipe);
    drain(run, out);
    must(run->pipe->end != PROXY_GOES_ON, "it does not end");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct proxy_pipe pipe;
    struct run run = {&pipe, data, 0};
    int in[2];
    int out[2];

    must(socketpair(AF_UNIX, SOCK_STREAM, 0, in) == 0 &&
             socketpair(AF_UNIX, SOCK_STREAM, 0, out) == 0,
         "no sockets");
    proxy_pipe_init(&pipe, in[1], out[0], PROXY_CALL_WITH_FDS, &calls, &run);
    go_through(&run, in[0], out[1], data, size);
    proxy_pipe_clear(&pipe);
    proxy_socket_close_all(in, 2);
    proxy_socket_close_all(out, 2);
    return 0;
}

#ifndef REMORA_LIBFUZZER
#define XML "<domain xmlns:r='urn:remora:domain:1'/>"

static struct packet
some_packet(uint32_t procedure, bool domain)
{
    struct packet packet;

    packet_header(&packet, procedure, PROXY_CALL, 5, PROXY_OK);
    if (domain)
        packet_domain(&packet);
    packet_optional(&packet, XML);
    packet_text(&packet, XML);
    packet_u32(&packet, 1);
    packet_end(&packet);
    return packet;
}

/* Memory of its own size, so that a sanitizer sees one byte more. */
static void
run_copy(const uint8_t *bytes, size_t size, size_t flip)
{
    uint8_t *copy = malloc(size + 1);

    must(copy != NULL, "no memory");
    memcpy(copy + 1, bytes, size);
    if (size > 0 && flip != 0)
        copy[1 + flip / 8 % size] ^= (uint8_t)(1u << flip % 8);
    LLVMFuzzerTestOneInput(copy + 1, size);
    free(copy);
}

/* Two packets in a row: what follows a broken one matters, too. */
static unsigned
run_all(const struct packet *one, const struct packet *other)
{
    uint8_t bytes[2 * PACKET_ROOM];
    size_t len = one->len + other->len;
    unsigned n = 0;

    memcpy(bytes, one->bytes, one->len);
    memcpy(bytes + one->len, other->bytes, other->len);
    for (size_t end = 0; end <= len; end++, n++)
        run_copy(bytes, end, 0);
    for (size_t flip = 1; flip < 8 * one->len; flip += 3, n++)
        run_copy(bytes, len, flip);
    return n;
}

int
main(void)
{
    const struct packet open = packet_open(1, 0);
    const struct packet define = packet_define(2, XML);
    unsigned n = run_all(&open, &define);

    for (uint32_t procedure = 1; procedure < 450; procedure++) {
        const struct packet one = some_packet(procedure, true);
        const struct packet other = some_packet(procedure, false);

        if (proxy_kind(procedure) == PROXY_PASS)
            continue;
        n += run_all(&one, &define);
        n += run_all(&other, &one);
    }
    (void)printf("%u inputs\n", n);
    return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
#endif
