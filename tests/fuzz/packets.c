/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/fuzz/packets.c - packets of each call that the proxy asks about
 *
 * Made by hand, cut short and with wrong bits, for the target fuzz-proxy. Two
 * in a row: what follows a broken one matters, too.
 */
#include "config.h"

#include "hooks/proxy/calls.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/proxy-packets.h"

#include <string.h>

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

static unsigned
run_all(const struct packet *one, const struct packet *other)
{
    uint8_t bytes[2 * PACKET_MAX];
    size_t len = one->len + other->len;
    unsigned n = 0;

    memcpy(bytes, one->bytes, one->len);
    memcpy(bytes + one->len, other->bytes, other->len);
    for (size_t end = 0; end <= len; end++, n++)
        fuzz_run(bytes, end, 0);
    for (size_t flip = 1; flip < 8 * one->len; flip += 3, n++)
        fuzz_run(bytes, len, flip);
    return n;
}

unsigned
fuzz_more(void)
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
    return n;
}
