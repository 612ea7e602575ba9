/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/speed/asok.c - how many operations an OSD has been asked for
 *
 * A command is JSON with a NUL behind it, the answer JSON with its length before
 * it, 32 bits in network order.
 */
#include "config.h"

#include "tests/speed/asok.h"

#include "tests/speed/spawn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* {"osd":{"op":NUMBER}} */
#define ANSWER_MAX 1024u

static int
connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (fd < 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        spawn_die("cannot connect to '%s': %s", path, strerror(errno));
    return fd;
}

static void
read_all(int fd, const char *path, void *data, size_t len)
{
    for (char *at = data; len > 0;) {
        ssize_t got = read(fd, at, len);

        if (got <= 0)
            spawn_die("'%s' does not answer", path);
        at += got;
        len -= (size_t)got;
    }
}

int64_t
asok_operations(const char *path)
{
    static const char command[] =
        "{\"prefix\":\"perf dump\",\"logger\":\"osd\",\"counter\":\"op\"}";
    char answer[ANSWER_MAX + 1];
    int fd = connect_to(path);
    const char *number;
    uint32_t len;

    if (write(fd, command, sizeof(command)) != (ssize_t)sizeof(command))
        spawn_die("cannot ask '%s': %s", path, strerror(errno));
    read_all(fd, path, &len, sizeof(len));
    len = ntohl(len);
    if (len > ANSWER_MAX)
        spawn_die("'%s' answers with %u bytes", path, len);
    read_all(fd, path, answer, len);
    answer[len] = '\0';
    (void)close(fd);
    number = strstr(answer, "\"op\":");
    if (!number)
        spawn_die("'%s' does not count operations", path);
    return strtoll(number + strlen("\"op\":"), NULL, 10);
}
