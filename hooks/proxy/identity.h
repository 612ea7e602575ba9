/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/identity.h - to be to libvirtd who one's client is
 *
 * libvirtd decides by the user and groups of the process that connects to it
 * (SO_PEERCRED): socket permissions, polkit, access drivers, audit. So a relay
 * takes its client's before it connects, for good.
 */
#ifndef REMORA_HOOKS_PROXY_IDENTITY_H
#define REMORA_HOOKS_PROXY_IDENTITY_H

#include "hooks/wire/say.h"

#include <stdbool.h>
#include <sys/types.h>

#define FRONT_GROUPS_MAX 65536

struct front_identity {
    pid_t pid;
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* malloc()ed */
    size_t n_groups;
};

/* Of the client at the other end of a connected unix socket, as it was when
 * it connected (unix(7), SO_PEERCRED, SO_PEERGROUPS: Linux 4.13). */
bool front_identity_of(int fd,
                       struct front_identity *ret_identity,
                       struct hook_error *error);
void front_identity_clear(struct front_identity *identity);

/* Becomes that: real, effective and saved ids, groups, no privileges by exec,
 * and nobody may look into this process. Cannot be undone. Only root can. */
bool front_identity_take(const struct front_identity *identity,
                         struct hook_error *error);

#endif
