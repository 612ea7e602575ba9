/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/proxy-packets.c - libvirt's packets, made by hand
 */
#include "config.h"

#include "tests/unit/proxy-packets.h"

#include "hooks/proxy/xdr.h"

void
packet_u32(struct packet *packet, uint32_t value)
{
    proxy_xdr_put(packet->bytes + packet->len, value);
    packet->len += 4;
}

void
packet_hyper(struct packet *packet, uint32_t value)
{
    packet_u32(packet, 0);
    packet_u32(packet, value);
}

void
packet_opaque(struct packet *packet, const void *text, size_t len)
{
    packet->len =
        (size_t)(proxy_xdr_write(packet->bytes + packet->len, text, len) -
                 packet->bytes);
}

void
packet_text(struct packet *packet, const char *text)
{
    packet_opaque(packet, text, strlen(text));
}

void
packet_optional(struct packet *packet, const char *text)
{
    packet_u32(packet, text ? 1 : 0);
    if (text)
        packet_text(packet, text);
}

void
packet_domain(struct packet *packet)
{
    packet_text(packet, "web1");
    for (unsigned i = 0; i < 16; i++)
        packet->bytes[packet->len++] = (uint8_t)i;
    packet_u32(packet, 7);
}

void
packet_header(struct packet *packet,
              uint32_t procedure,
              enum proxy_type type,
              uint32_t serial,
              enum proxy_status status)
{
    const struct proxy_header header = {
        .program = PROXY_PROGRAM_REMOTE,
        .version = PROXY_REMOTE_VERSION,
        .procedure = procedure,
        .type = type,
        .serial = serial,
        .status = status,
    };

    proxy_header_write(packet->bytes, &header);
    packet->len = PROXY_HEADER_LEN;
}

void
packet_end(struct packet *packet)
{
    proxy_xdr_put(packet->bytes, (uint32_t)packet->len);
}

struct packet
packet_open(uint32_t serial, uint32_t flags)
{
    struct packet packet;

    packet_header(&packet, PROXY_PROC_CONNECT_OPEN, PROXY_CALL, serial,
                  PROXY_OK);
    packet_optional(&packet, "qemu:///system");
    packet_u32(&packet, flags);
    packet_end(&packet);
    return packet;
}

struct packet
packet_define(uint32_t serial, const char *xml)
{
    struct packet packet;

    packet_header(&packet, 11, PROXY_CALL, serial, PROXY_OK);
    packet_text(&packet, xml);
    packet_end(&packet);
    return packet;
}

struct packet
packet_reply(uint32_t procedure, uint32_t serial, enum proxy_status status)
{
    struct packet packet;

    packet_header(&packet, procedure, PROXY_REPLY, serial, status);
    packet_end(&packet);
    return packet;
}
