/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/listen.h - the socket that clients connect to
 */
#ifndef REMORA_HOOKS_PROXY_LISTEN_H
#define REMORA_HOOKS_PROXY_LISTEN_H

#include "hooks/wire/say.h"

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct proxy_listen {
    int fd; /* does not block, close-on-exec */
    /* Of the file, if it is ours. */
    const char *path;
    dev_t device;
    ino_t inode; /* may be given to another file later, hence made */
    struct timespec made;
};

/* Takes the socket that the service manager passed (sd_listen_fds(3)), or
 * makes one at path, which stays the caller's, and its directory. A file of
 * which nobody accepts connections is replaced. */
bool proxy_listen_open(struct proxy_listen *ret_listen,
                       const char *path,
                       mode_t mode,
                       gid_t group,
                       struct wire_error *error);

/* Closes it, and removes the file if it is still the one that was made. */
void proxy_listen_close(struct proxy_listen *listen);

#endif
