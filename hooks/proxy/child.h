/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/child.h - a relay's process
 */
#ifndef REMORA_HOOKS_PROXY_CHILD_H
#define REMORA_HOOKS_PROXY_CHILD_H

#include "hooks/proxy/identity.h"
#include "hooks/proxy/ratelimit.h"

struct proxy_child {
    int client;
    int broker;                            /* the relay's end */
    const struct proxy_identity *identity; /* the client's */
    const char *upstream;                  /* or NULL */
    const char *own;                       /* where the proxy listens, or "" */
    struct proxy_ratelimit *limit;         /* on what relays log */
    pid_t parent;
};

/* In the new process: closes every descriptor but these two and standard output
 * and error, becomes the client's user, connects to libvirtd, and then closes
 * standard output and error, too. Only then it reads from the client, and
 * relays. It ends with the connection, or with its parent. */
_Noreturn void proxy_child_run(const struct proxy_child *child);

#endif
