/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/users.h - how much of the proxy each user may have
 *
 * Clients at once, in all and by user, root too; and how often a user's relays
 * get a connection to the agent, where root is not limited. No descriptor, no
 * clock: pure but for memory. One thread.
 */
#ifndef REMORA_HOOKS_PROXY_USERS_H
#define REMORA_HOOKS_PROXY_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A deployment of many domains must fit; a loop must not occupy the agent. */
#define FRONT_ASKS_BURST      200u
#define FRONT_ASKS_PER_SECOND 50u

struct front_user {
    uid_t uid;
    size_t clients;
    uint32_t asks;   /* left, in thousandths */
    int64_t full_at; /* when asks was last counted, in ms */
};

struct front_users {
    size_t max_clients;
    size_t max_per_user;
    size_t clients;
    struct front_user *users; /* malloc()ed */
    size_t n_users;
    size_t room;
};

void front_users_init(struct front_users *users,
                      size_t max_clients,
                      size_t max_per_user);
void front_users_clear(struct front_users *users);

/* Counts a client in, or says as a constant string why not. */
const char *
front_users_enter(struct front_users *users, uid_t uid, int64_t now_ms);
void front_users_leave(struct front_users *users, uid_t uid);

/* Whether a client that was counted in may have a connection to the agent. */
bool front_users_may_ask(struct front_users *users, uid_t uid, int64_t now_ms);
/* It has got one. Who asks while nobody listens has had nothing of the agent. */
void front_users_count_ask(struct front_users *users, uid_t uid);

#endif
