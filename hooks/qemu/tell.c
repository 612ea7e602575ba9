/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/qemu/tell.c - one datagram to the agent, which nobody waits for
 *
 * The operations that send it must never fail, so nothing here can.
 */
#include "config.h"

#include "hooks/qemu/tell.h"

#include "hooks/wire/io.h"
#include "hooks/wire/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

bool
hook_tell(const char *path, enum wire_op op, const struct wire_domain *domain)
{
    wire_autoclose int fd = wire_socket(SOCK_DGRAM);
    size_t name_len = strlen(domain->name);
    size_t xml_len = domain->xml_len;
    struct wire_request request;
    struct sockaddr_un address;
    struct iovec parts[3];
    struct msghdr message = {
        .msg_name = &address,
        .msg_namelen = sizeof(address),
        .msg_iov = parts,
        .msg_iovlen = 3,
    };

    if (fd < 0 || !wire_socket_address(&address, path))
        return true;
    if (sizeof(request) + name_len + xml_len > WIRE_DATAGRAM_MAX)
        xml_len = 0;
    wire_request_init(&request, op, name_len, xml_len);
    /* sendmsg() only reads them, but an iovec cannot say so. */
    parts[0] = (struct iovec){&request, sizeof(request)};
    parts[1] = (struct iovec){(char *)domain->name, name_len};
    parts[2] = (struct iovec){(char *)domain->xml, xml_len};
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
           !wire_socket_nobody(errno);
}
