/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/socket.c - unix sockets in the file system
 */
#include "config.h"

#include "hooks/wire/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

bool
wire_socket_address(struct sockaddr_un *ret_address, const char *path)
{
    size_t len = strlen(path);

    if (len >= sizeof(ret_address->sun_path))
        return false;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, path, len);
    return true;
}

int
wire_socket(int type)
{
    return socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int
wire_socket_patient(unsigned ms)
{
    const struct timeval limit = {.tv_sec = ms / 1000,
                                  .tv_usec = ms % 1000 * 1000};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    return fd;
}

int
wire_socket_connect(int fd, const char *path)
{
    struct sockaddr_un address;

    if (!wire_socket_address(&address, path))
        return ENAMETOOLONG;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return errno;
    return 0;
}

bool
wire_socket_nobody(int reason)
{
    return reason == ENOENT || reason == ECONNREFUSED;
}
