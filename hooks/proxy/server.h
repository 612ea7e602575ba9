/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/server.h - the proxy's parent: accepts, forks, brokers, reaps
 *
 * It stays root, so it reads nothing that a client sends. It never blocks: not
 * on a client, a relay, libvirtd or the agent.
 * Limits: users.h. One thread, and SIGPIPE ignored.
 */
#ifndef REMORA_HOOKS_PROXY_SERVER_H
#define REMORA_HOOKS_PROXY_SERVER_H

#include "hooks/wire/say.h"

#include <stdbool.h>
#include <stddef.h>

struct proxy_server_setup {
    int listen;             /* a listening socket that does not block */
    const char *upstream;   /* libvirtd's, or NULL */
    const char *agent_path; /* of proxy.sock */
    size_t max_clients;
    size_t max_per_user;
};

/* Runs until SIGTERM or SIGINT, and ends all relays then. ready is called as
 * soon as a signal does no more than that. false: *error says why it could
 * not begin. */
bool proxy_server_run(const struct proxy_server_setup *setup,
                      void (*ready)(void),
                      struct wire_error *error);

#endif
