/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/identity.c - taking on a client's user and groups
 */
#include "config.h"

#include "hooks/proxy/identity.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

void
proxy_identity_clear(struct proxy_identity *identity)
{
    free(identity->groups);
    *identity = (struct proxy_identity){.uid = (uid_t)-1, .gid = (gid_t)-1};
}

/* Without a buffer the kernel answers ERANGE, and how many bytes it needs. */
static bool
read_groups(int fd, struct proxy_identity *identity)
{
    socklen_t len = 0;
    int r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len);

    if (r == 0 && len == 0)
        return true;
    if (r < 0 && errno != ERANGE)
        return false;
    if (len > PROXY_GROUPS_MAX * sizeof(gid_t)) {
        errno = E2BIG;
        return false;
    }
    identity->groups = malloc(len);
    if (!identity->groups)
        return false;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, identity->groups, &len) < 0)
        return false;
    identity->n_groups = len / sizeof(gid_t);
    return true;
}

bool
proxy_identity_of(int fd,
                  struct proxy_identity *ret_identity,
                  struct wire_error *error)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    struct proxy_identity identity = {0};

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
        !read_groups(fd, &identity)) {
        wire_error_set(error, "cannot tell who a client is: %s",
                       strerror(errno));
        proxy_identity_clear(&identity);
        return false;
    }
    identity.pid = peer.pid;
    identity.uid = peer.uid;
    identity.gid = peer.gid;
    *ret_identity = identity;
    return true;
}

/* To these calls an id of -1 means: leave it as it is. */
static bool
is_somebody(const struct proxy_identity *identity)
{
    errno = EINVAL;
    return identity->uid != (uid_t)-1 && identity->gid != (gid_t)-1;
}

static bool
take_ids(const struct proxy_identity *identity)
{
    return setgroups(identity->n_groups, identity->groups) == 0 &&
           setresgid(identity->gid, identity->gid, identity->gid) == 0 &&
           setresuid(identity->uid, identity->uid, identity->uid) == 0;
}

bool
proxy_identity_take(const struct proxy_identity *identity,
                    struct wire_error *error)
{
    if (!is_somebody(identity) || !take_ids(identity) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
        wire_error_set(error, "cannot become user %u: %s",
                       (unsigned)identity->uid, strerror(errno));
        return false;
    }
    return true;
}
