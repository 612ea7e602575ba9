/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/identity.c - to be to libvirtd who one's client is
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
front_identity_clear(struct front_identity *identity)
{
    free(identity->groups);
    *identity = (struct front_identity){.uid = (uid_t)-1, .gid = (gid_t)-1};
}

/* The kernel says with ERANGE how much room it wants. */
static bool
read_groups(int fd, struct front_identity *identity)
{
    socklen_t len = 0;
    int r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len);

    if (r == 0 && len == 0)
        return true;
    if (r < 0 && errno != ERANGE)
        return false;
    if (len > FRONT_GROUPS_MAX * sizeof(gid_t)) {
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
front_identity_of(int fd,
                  struct front_identity *ret_identity,
                  struct hook_error *error)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    struct front_identity identity = {0};

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
        !read_groups(fd, &identity)) {
        hook_error_set(error, "cannot tell who a client is: %s",
                       strerror(errno));
        front_identity_clear(&identity);
        return false;
    }
    identity.pid = peer.pid;
    identity.uid = peer.uid;
    identity.gid = peer.gid;
    *ret_identity = identity;
    return true;
}

/* An id of -1 means "leave it" to these calls, which no client may be. */
static bool
is_somebody(const struct front_identity *identity)
{
    errno = EINVAL;
    return identity->uid != (uid_t)-1 && identity->gid != (gid_t)-1;
}

static bool
take_ids(const struct front_identity *identity)
{
    return setgroups(identity->n_groups, identity->groups) == 0 &&
           setresgid(identity->gid, identity->gid, identity->gid) == 0 &&
           setresuid(identity->uid, identity->uid, identity->uid) == 0;
}

bool
front_identity_take(const struct front_identity *identity,
                    struct hook_error *error)
{
    if (!is_somebody(identity) || !take_ids(identity) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
        hook_error_set(error, "cannot become user %u: %s",
                       (unsigned)identity->uid, strerror(errno));
        return false;
    }
    return true;
}
