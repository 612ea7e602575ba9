/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/packet.c - a packet that was taken out of a connection
 */
#include "config.h"

#include "hooks/proxy/packet.h"

#include <stdlib.h>

struct front_packet *
front_packet_new(const struct front_header *header)
{
    struct front_packet *packet = calloc(1, sizeof(*packet));

    if (packet)
        packet->bytes = malloc(header->len);
    if (!packet || !packet->bytes) {
        free(packet);
        return NULL;
    }
    packet->header = *header;
    return packet;
}

void
front_packet_free(struct front_packet *packet)
{
    if (!packet)
        return;
    front_socket_close_all(packet->fds, packet->n_fds);
    free(packet->bytes);
    free(packet);
}

size_t
front_packet_head(const struct front_packet *packet)
{
    return packet->header.type == FRONT_CALL_WITH_FDS ? FRONT_HEADER + 4
                                                      : FRONT_HEADER;
}
