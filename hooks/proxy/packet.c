/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/packet.c - a packet that was taken out of a connection
 */
#include "config.h"

#include "hooks/proxy/packet.h"

#include <stdlib.h>

struct proxy_packet *
proxy_packet_new(const struct proxy_header *header)
{
    struct proxy_packet *packet = calloc(1, sizeof(*packet));

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
proxy_packet_free(struct proxy_packet *packet)
{
    if (!packet)
        return;
    proxy_socket_close_all(packet->fds, packet->n_fds);
    free(packet->bytes);
    free(packet);
}

size_t
proxy_packet_head(const struct proxy_packet *packet)
{
    return packet->header.type == PROXY_CALL_WITH_FDS ? PROXY_HEADER_LEN + 4
                                                      : PROXY_HEADER_LEN;
}
