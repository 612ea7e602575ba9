/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/fuzz/fuzz-wire.c - any bytes from the other end of the agent's sockets
 *
 * The first byte chooses: an agent's greeting and answer, as the hook reads
 * them; or a hook's or proxy's request, as the agent does. Either is refused, or
 * is what was sent, byte for byte.
 */
#include "config.h"

#include "agent/serve/exchange.h"
#include "hooks/wire/client.h"
#include "hooks/wire/io.h"
#include "hooks/wire/sieve.h"

#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const char *const fuzz_corpora[] = {"tests/fuzz/corpus/wire", NULL};
const unsigned fuzz_pieces = 200;

#define XML "<domain/>"
/* More does not fit into a socket while nobody reads it. */
#define INPUT_MAX (64u * 1024u)

/* Where all that comes is data, and then the end. */
static int
socket_with(const uint8_t *data, size_t size, int *ret_peer)
{
    int both[2];

    fuzz_must(socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0, "a socket");
    fuzz_must(send(both[0], data, size, MSG_DONTWAIT) == (ssize_t)size,
              "it is sent");
    (void)shutdown(both[0], SHUT_WR);
    *ret_peer = both[0];
    return both[1];
}

/* Whether text stands in data where it must, at the end of what was read. */
static void
must_be_from(
    const uint8_t *data, size_t size, size_t at, const char *text, size_t len)
{
    fuzz_must(at + len <= size, "it is not longer than what came");
    fuzz_must(len == 0 || memcmp(data + at, text, len) == 0, "it is that");
}

static void
as_hook(const uint8_t *data, size_t size)
{
    const struct wire_domain domain = {"a", XML, strlen(XML)};
    struct wire_reply reply = {0};
    struct wire_error error = {""};
    size_t at = sizeof(struct wire_greeting) + sizeof(struct wire_answer);
    int peer;
    int fd = socket_with(data, size, &peer);

    switch (wire_ask_on(fd, WIRE_PREPARE, &domain, wire_clock_ms() + 2000,
                        &reply, &error)) {
    case WIRE_ANSWERED:
        must_be_from(data, size, at, reply.message, reply.message_len);
        must_be_from(data, size, at + reply.message_len, reply.output,
                     reply.output_len);
        wire_reply_clear(&reply);
        break;
    case WIRE_FAILED:
        fuzz_must(error.line[0] != '\0', "there is a reason");
        break;
    case WIRE_NOBODY:
    default:
        break;
    }
    (void)close(fd);
    (void)close(peer);
}

static void
as_agent(const uint8_t *data, size_t size, bool proxy)
{
    struct wire_client client;
    ExchangeRequest request;
    int peer;
    g_autoptr(Exchange) exchange = exchange_new(socket_with(data, size, &peer));
    size_t at = sizeof(struct wire_request) + (proxy ? sizeof(client) : 0);

    if ((!proxy || exchange_read_client(exchange, 2000, &client)) &&
        exchange_read(exchange, 2000, &request)) {
        size_t name_len = strlen(request.name);

        fuzz_must(at + name_len + request.len <= size, "all of it came");
        fuzz_must(memcmp(data + at, request.name, name_len) == 0,
                  "the name is that");
        fuzz_must(request.body[request.len] == '\0', "the body ends");
    }
    (void)close(peer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > INPUT_MAX)
        return 0;
    switch (data[0] % 4) {
    case 0:
        as_hook(data + 1, size - 1);
        break;
    case 1:
        as_agent(data + 1, size - 1, false);
        break;
    case 2:
        as_agent(data + 1, size - 1, true);
        break;
    default:
        (void)wire_sieve(data + 1, size - 1);
        break;
    }
    return 0;
}
