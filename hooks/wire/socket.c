/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/wire/socket.c - the agent's two sockets in the file system
 */
#include "config.h"

#include "hooks/wire/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

bool
hook_socket_address(struct sockaddr_un *ret_address, const char *path)
{
    size_t len = strlen(path);

    if (len >= sizeof(ret_address->sun_path))
        return false;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, path, len);
    return true;
}

int
hook_socket(int type)
{
    return socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int
hook_socket_connect(int fd, const char *path)
{
    struct sockaddr_un address;

    if (!hook_socket_address(&address, path))
        return ENAMETOOLONG;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return errno;
    return 0;
}

bool
hook_socket_nobody(int reason)
{
    return reason == ENOENT || reason == ECONNREFUSED;
}
