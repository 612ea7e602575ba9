/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/front-packets.h - libvirt's packets, made by hand
 *
 * A packet grows at its end; its length word is set by packet_end().
 */
#ifndef REMORA_TESTS_UNIT_FRONT_PACKETS_H
#define REMORA_TESTS_UNIT_FRONT_PACKETS_H

#include "hooks/front-calls.h"

#include <stdint.h>
#include <string.h>

#define PACKET_ROOM 512u

/* The UUID of packet_domain(). */
#define PACKET_UUID "00010203-0405-0607-0809-0a0b0c0d0e0f"

struct packet {
    uint8_t bytes[PACKET_ROOM];
    size_t len;
};

static inline void
packet_u32(struct packet *packet, uint32_t value)
{
    front_xdr_put(packet->bytes + packet->len, value);
    packet->len += 4;
}

static inline void
packet_hyper(struct packet *packet, uint32_t value)
{
    packet_u32(packet, 0);
    packet_u32(packet, value);
}

static inline void
packet_opaque(struct packet *packet, const void *text, size_t len)
{
    packet->len =
        (size_t)(front_xdr_write(packet->bytes + packet->len, text, len) -
                 packet->bytes);
}

static inline void
packet_text(struct packet *packet, const char *text)
{
    packet_opaque(packet, text, strlen(text));
}

/* NULL: it is not there. */
static inline void
packet_optional(struct packet *packet, const char *text)
{
    packet_u32(packet, text ? 1 : 0);
    if (text)
        packet_text(packet, text);
}

static inline void
packet_domain(struct packet *packet)
{
    packet_text(packet, "web1");
    for (unsigned i = 0; i < 16; i++)
        packet->bytes[packet->len++] = (uint8_t)i;
    packet_u32(packet, 7);
}

static inline void
packet_header(struct packet *packet,
              uint32_t procedure,
              enum front_type type,
              uint32_t serial,
              enum front_status status)
{
    const struct front_header header = {
        .program = FRONT_PROGRAM_REMOTE,
        .version = FRONT_REMOTE_VERSION,
        .procedure = procedure,
        .type = type,
        .serial = serial,
        .status = status,
    };

    front_header_write(packet->bytes, &header);
    packet->len = FRONT_HEADER;
}

static inline void
packet_end(struct packet *packet)
{
    front_xdr_put(packet->bytes, (uint32_t)packet->len);
}

static inline struct packet
packet_open(uint32_t serial, uint32_t flags)
{
    struct packet packet;

    packet_header(&packet, FRONT_CONNECT_OPEN, FRONT_CALL, serial, FRONT_OK);
    packet_optional(&packet, "qemu:///system");
    packet_u32(&packet, flags);
    packet_end(&packet);
    return packet;
}

static inline struct packet
packet_define(uint32_t serial, const char *xml)
{
    struct packet packet;

    packet_header(&packet, 11, FRONT_CALL, serial, FRONT_OK);
    packet_text(&packet, xml);
    packet_end(&packet);
    return packet;
}

static inline struct packet
packet_reply(uint32_t procedure, uint32_t serial, enum front_status status)
{
    struct packet packet;

    packet_header(&packet, procedure, FRONT_REPLY, serial, status);
    packet_end(&packet);
    return packet;
}

#endif
