/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/fuzz/fuzz-proxy.c - any bytes from a client, and from libvirtd
 *
 * Whatever they are: no crash, no leak; what comes out is what went in up to
 * where the pipe broke, though every packet that might be interesting was taken
 * out and put in again; and a call whose texts were replaced can be read again.
 */
#include "config.h"

#include "hooks/proxy/pipe.h"
#include "hooks/proxy/question.h"

#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHUNK 1021u

const char *const fuzz_corpora[] = {"tests/fuzz/corpus/proxy", NULL};
const unsigned fuzz_pieces = 200;

struct run {
    struct proxy_pipe *pipe;
    const uint8_t *sent;
    size_t seen; /* how much of that has come out */
};

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

    fuzz_must(copy != NULL, "there is memory");
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
    for (size_t i = 0; i < question->call.n_texts; i++) {
        if (!question->texts[i])
            continue;
        question->news[i] = strdup("<domain/>");
        question->new_lens[i] = strlen("<domain/>");
    }
    fuzz_must(proxy_question_replace(question), "it was replaced");
    head = proxy_packet_head(packet);
    fuzz_must(proxy_call_read(packet->header.procedure, packet->bytes + head,
                              packet->len - head, &call),
              "what was replaced can be read");
    fuzz_must(call.n_texts == question->call.n_texts, "no text was lost");
    proxy_question_free(question);
}

static void
whole(void *opaque, struct proxy_packet *packet)
{
    struct run *run = opaque;
    struct proxy_packet *copy = copy_of(packet);
    size_t head = proxy_packet_head(packet);

    fuzz_must(packet->len == packet->header.len, "it is not whole");
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
        fuzz_must(memcmp(bytes, run->sent + run->seen, (size_t)got) == 0,
                  "the same bytes come out");
        run->seen += (size_t)got;
    }
}

static void
go_through(struct run *run, int in, int out, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size && run->pipe->end == PROXY_GOES_ON;) {
        size_t len = size - at < CHUNK ? size - at : CHUNK;

        fuzz_must(send(in, data + at, len, MSG_DONTWAIT) == (ssize_t)len,
                  "it reads");
        at += len;
        proxy_pipe_run(run->pipe);
        drain(run, out);
    }
    (void)shutdown(in, SHUT_WR);
    proxy_pipe_run(run->pipe);
    drain(run, out);
    fuzz_must(run->pipe->end != PROXY_GOES_ON, "it ends");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct proxy_pipe pipe;
    struct run run = {&pipe, data, 0};
    int in[2];
    int out[2];

    fuzz_must(socketpair(AF_UNIX, SOCK_STREAM, 0, in) == 0 &&
                  socketpair(AF_UNIX, SOCK_STREAM, 0, out) == 0,
              "there are sockets");
    proxy_pipe_init(&pipe, in[1], out[0], PROXY_CALL_WITH_FDS, &calls, &run);
    go_through(&run, in[0], out[1], data, size);
    proxy_pipe_clear(&pipe);
    proxy_socket_close_all(in, 2);
    proxy_socket_close_all(out, 2);
    return 0;
}
