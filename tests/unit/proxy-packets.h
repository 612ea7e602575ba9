/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/proxy-packets.h - libvirt's packets, made by hand
 *
 * A packet grows at its end; its length word is set by packet_end().
 */
#ifndef REMORA_TESTS_UNIT_PROXY_PACKETS_H
#define REMORA_TESTS_UNIT_PROXY_PACKETS_H

#include "hooks/proxy/protocol.h"

#include <stdint.h>
#include <string.h>

#define PACKET_MAX 400u

/* The UUID of packet_domain(). */
#define PACKET_UUID "00010203-0405-0607-0809-0a0b0c0d0e0f"

struct packet {
    uint8_t bytes[PACKET_MAX];
    size_t len;
};

void packet_u32(struct packet *packet, uint32_t value);
void packet_hyper(struct packet *packet, uint32_t value);
void packet_opaque(struct packet *packet, const void *text, size_t len);
void packet_text(struct packet *packet, const char *text);
/* NULL: it is not there. */
void packet_optional(struct packet *packet, const char *text);
void packet_domain(struct packet *packet);
void packet_header(struct packet *packet,
                   uint32_t procedure,
                   enum proxy_type type,
                   uint32_t serial,
                   enum proxy_status status);
void packet_end(struct packet *packet);
struct packet packet_open(uint32_t serial, uint32_t flags);
struct packet packet_define(uint32_t serial, const char *xml);
struct packet
packet_reply(uint32_t procedure, uint32_t serial, enum proxy_status status);

#endif
