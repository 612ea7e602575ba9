/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/listen.c - the socket that clients connect to
 */
#include "config.h"

#include "hooks/proxy/listen.h"

#include "hooks/wire/io.h"
#include "hooks/wire/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSED_FD 3

/* ---- passed in ------------------------------------------------------------- */

/* Whether the service manager meant this process. */
static bool
is_passed(void)
{
    const char *pid = getenv("LISTEN_PID");
    const char *fds = getenv("LISTEN_FDS");

    return pid && fds && atol(pid) == (long)getpid() && atol(fds) > 0;
}

static bool
is_listening(int fd)
{
    struct sockaddr_un address = {0};
    socklen_t len = sizeof(address);
    int accepts = 0;
    int type = 0;

    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0 ||
        address.sun_family != AF_UNIX)
        return false;
    len = sizeof(accepts);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len) < 0)
        return false;
    len = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
           type == SOCK_STREAM && accepts;
}

static bool
take_passed(struct proxy_listen *ret_listen, struct wire_error *error)
{
    if (atol(getenv("LISTEN_FDS")) != 1 || !is_listening(PASSED_FD)) {
        wire_error_set(error,
                       "the service manager must pass one listening unix "
                       "socket: see ListenStream= of the .socket unit");
        return false;
    }
    (void)fcntl(PASSED_FD, F_SETFD, FD_CLOEXEC);
    (void)fcntl(PASSED_FD, F_SETFL, O_NONBLOCK);
    *ret_listen = (struct proxy_listen){.fd = PASSED_FD};
    return true;
}

/* ---- our own --------------------------------------------------------------- */

static bool
cannot(struct wire_error *error, const char *path, const char *why)
{
    wire_error_set(error, "cannot listen on '%s': %s", path, why);
    return false;
}

/* The agent may come later, and uses this directory. The umask must not change
 * its mode. */
static bool
make_directory(const char *path, struct wire_error *error)
{
    wire_autofree char *copy = strdup(path);
    const char *directory = copy ? dirname(copy) : NULL;
    mode_t old = umask(022);
    bool made = directory && (mkdir(directory, 0755) == 0 || errno == EEXIST);

    (void)umask(old);
    return made ? true : cannot(error, path, strerror(errno));
}

/* A socket that somebody listens at is kept; one that is left over is removed. */
static bool
make_way(const char *path, struct wire_error *error)
{
    wire_autoclose int fd = wire_socket(SOCK_STREAM);
    int reason = fd < 0 ? errno : wire_socket_connect(fd, path);
    struct stat file;

    if (reason == ENOENT)
        return true;
    if (reason == 0 || reason == EAGAIN)
        return cannot(error, path,
                      "somebody serves it already: stop that, or choose "
                      "another with --listen");
    if (lstat(path, &file) < 0 || !S_ISSOCK(file.st_mode))
        return cannot(error, path,
                      "there is a file that is no socket: remove it, or "
                      "choose another with --listen");
    if (reason != ECONNREFUSED)
        return cannot(error, path, strerror(reason));
    if (unlink(path) < 0)
        return cannot(error, path, strerror(errno));
    return true;
}

/* Until listen() all are refused, so nobody gets in before the mode is right. */
static bool
bind_to(int fd, const char *path, mode_t mode, gid_t group)
{
    struct sockaddr_un address;
    mode_t old;
    int bound;

    if (!wire_socket_address(&address, path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    old = umask(0777);
    bound = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    (void)umask(old);
    return bound == 0 && lchown(path, (uid_t)-1, group) == 0 &&
           chmod(path, mode) == 0 && listen(fd, SOMAXCONN) == 0;
}

static bool
make_own(struct proxy_listen *ret_listen,
         const char *path,
         mode_t mode,
         gid_t group,
         struct wire_error *error)
{
    wire_autoclose int fd = wire_socket(SOCK_STREAM);
    struct stat file;

    if (!make_directory(path, error) || !make_way(path, error))
        return false;
    if (fd < 0 || !bind_to(fd, path, mode, group) || lstat(path, &file) < 0)
        return cannot(error, path, strerror(errno));
    *ret_listen = (struct proxy_listen){
        .fd = fd,
        .path = path,
        .device = file.st_dev,
        .inode = file.st_ino,
        .made = file.st_mtim,
    };
    fd = -1;
    return true;
}

bool
proxy_listen_open(struct proxy_listen *ret_listen,
                  const char *path,
                  mode_t mode,
                  gid_t group,
                  struct wire_error *error)
{
    if (is_passed())
        return take_passed(ret_listen, error);
    return make_own(ret_listen, path, mode, group, error);
}

void
proxy_listen_close(struct proxy_listen *listen)
{
    struct stat file;

    if (listen->path && lstat(listen->path, &file) == 0 &&
        file.st_dev == listen->device && file.st_ino == listen->inode &&
        file.st_mtim.tv_sec == listen->made.tv_sec &&
        file.st_mtim.tv_nsec == listen->made.tv_nsec)
        (void)unlink(listen->path);
    wire_close(&listen->fd);
}
