/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/identity.h - taking on a client's user and groups
 *
 * libvirtd asks the kernel who connects to it (SO_PEERCRED) and decides by that
 * user and group: socket permissions, polkit, access drivers, audit. So a relay
 * becomes its client's user before it connects to libvirtd, and never goes
 * back.
 */
#ifndef REMORA_HOOKS_PROXY_IDENTITY_H
#define REMORA_HOOKS_PROXY_IDENTITY_H

#include "hooks/wire/say.h"

#include <stdbool.h>
#include <sys/types.h>

#define PROXY_GROUPS_MAX 65536

struct proxy_identity {
    pid_t pid;
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* malloc()ed */
    size_t n_groups;
};

/* Of the client at the other end of a connected unix socket, as it was when
 * it connected (unix(7), SO_PEERCRED, SO_PEERGROUPS: Linux 4.13). */
bool proxy_identity_of(int fd,
                       struct proxy_identity *ret_identity,
                       struct wire_error *error);
void proxy_identity_clear(struct proxy_identity *identity);

/* Becomes that user: real, effective and saved ids, and groups. The process
 * gains no privileges by exec any more, and no other may trace it. Needs root,
 * and cannot be undone. */
bool proxy_identity_take(const struct proxy_identity *identity,
                         struct wire_error *error);

#endif
