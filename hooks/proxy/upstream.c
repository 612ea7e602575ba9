/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/upstream.c - the connection to libvirtd
 */
#include "config.h"

#include "hooks/proxy/upstream.h"

#include "hooks/wire/io.h"
#include "hooks/wire/socket.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODULAR_SOCKET "/run/libvirt/virtqemud-sock"
#define LIBVIRT_SOCKET "/run/libvirt/libvirt-sock"

static int
try_connect(int fd, const char *path)
{
    int reason;

    do
        reason = wire_socket_connect(fd, path);
    while (reason == EINTR);
    return reason;
}

static bool
is_same(const char *path, const char *other)
{
    struct stat file;
    struct stat other_file;

    return strcmp(path, other) == 0 ||
           (stat(path, &file) == 0 && stat(other, &other_file) == 0 &&
            file.st_dev == other_file.st_dev &&
            file.st_ino == other_file.st_ino);
}

int
proxy_upstream_connect(const char *path,
                       const char *own,
                       struct wire_error *error)
{
    wire_autoclose int fd = wire_socket_patient(PROXY_UPSTREAM_SECONDS * 1000);
    int reason = fd < 0 ? errno : 0;
    int connected = fd;

    if (!path)
        path =
            access(MODULAR_SOCKET, F_OK) == 0 ? MODULAR_SOCKET : LIBVIRT_SOCKET;
    if (is_same(path, own)) {
        wire_error_set(error,
                       "cannot connect to libvirtd at '%s': the proxy listens "
                       "there itself: see --upstream in "
                       "remora-libvirt-proxy(8)",
                       path);
        return -1;
    }
    if (reason == 0)
        reason = try_connect(fd, path);
    if (reason != 0) {
        wire_error_set(
            error, "cannot connect to libvirtd at '%s': %s: %s", path,
            reason == EAGAIN ? "it accepts nobody" : strerror(reason),
            reason == EACCES ? "this user may not use libvirt's socket"
                             : "see 'systemctl status libvirtd virtqemud'");
        return -1;
    }
    fd = -1;
    return connected;
}
