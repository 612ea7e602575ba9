/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/packet.h - a packet that was taken out of a connection
 */
#ifndef REMORA_HOOKS_PROXY_PACKET_H
#define REMORA_HOOKS_PROXY_PACKET_H

#include "hooks/proxy/protocol.h"
#include "hooks/proxy/socket.h"

#include <stdbool.h>

struct proxy_packet {
    struct proxy_header header;
    uint8_t *bytes; /* all of it so far, malloc()ed */
    size_t len;
    int fds[PROXY_FDS_MAX]; /* -1: handed on */
    size_t n_fds;
    bool refusal; /* made here, in libvirtd's place */
    struct proxy_packet *next;
};

/* Its buffer holds as many bytes as the header says; none is in it yet. NULL:
 * no memory. */
struct proxy_packet *proxy_packet_new(const struct proxy_header *header);
/* Closes its descriptors, too. NULL is fine. */
void proxy_packet_free(struct proxy_packet *packet);

/* Where a call's arguments begin. */
size_t proxy_packet_head(const struct proxy_packet *packet);

#endif
