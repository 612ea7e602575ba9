/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/ready.c - telling the service manager (sd_notify's protocol)
 *
 * The protocol is one datagram, documented as stable; a library for it would be
 * a dependency of every host for these lines.
 */
#include "config.h"

#include "hooks/wire/ready.h"

#include "hooks/wire/io.h"
#include "hooks/wire/socket.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void
wire_ready_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    wire_autoclose int fd = -1;
    struct sockaddr_un address;

    if (!path || strlen(path) < 2 || (path[0] != '/' && path[0] != '@') ||
        !wire_socket_address(&address, path))
        return;
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* an abstract name */
    fd = wire_socket(SOCK_DGRAM);
    if (fd < 0)
        return;
    (void)sendto(
        fd, state, strlen(state), MSG_NOSIGNAL,
        (const struct sockaddr *)&address,
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
}
