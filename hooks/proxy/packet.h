/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/packet.h - a packet that was taken out of a connection
 */
#ifndef REMORA_HOOKS_PROXY_PACKET_H
#define REMORA_HOOKS_PROXY_PACKET_H

#include "hooks/proxy/calls.h"
#include "hooks/proxy/socket.h"

#include <stdbool.h>

struct front_packet {
    struct front_header header;
    uint8_t *bytes; /* all of it so far, malloc()ed */
    size_t len;
    int fds[FRONT_FDS_MAX]; /* -1: handed on */
    size_t n_fds;
    bool refusal; /* made here, in libvirtd's place */
    struct front_packet *next;
};

/* With room for as many bytes as the header says, and none of them yet. NULL:
 * no memory. */
struct front_packet *front_packet_new(const struct front_header *header);
/* Closes its descriptors, too. NULL is fine. */
void front_packet_free(struct front_packet *packet);

/* Where a call's arguments begin. */
size_t front_packet_head(const struct front_packet *packet);

#endif
