/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/users.h - limits on each user's connections and questions
 *
 * How many clients there are at once, in all and of each user, root included;
 * and how often a user's relays get a connection to the agent, root's as often
 * as they like. No descriptors, no clock: pure but for memory. One thread.
 */
#ifndef REMORA_HOOKS_PROXY_USERS_H
#define REMORA_HOOKS_PROXY_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A deployment of many domains must fit; a loop must not occupy the agent. */
#define PROXY_ASKS_BURST      200u
#define PROXY_ASKS_PER_SECOND 50u

struct proxy_user {
    uid_t uid;
    size_t clients;
    uint32_t asks;   /* left, in thousandths */
    int64_t full_at; /* when asks was last counted, in ms */
};

struct proxy_users {
    size_t max_clients;
    size_t max_per_user;
    size_t clients;
    struct proxy_user *users; /* malloc()ed */
    size_t n_users;
    size_t capacity;
};

void proxy_users_init(struct proxy_users *users,
                      size_t max_clients,
                      size_t max_per_user);
void proxy_users_clear(struct proxy_users *users);

/* Counts a client in, or says as a constant string why not. */
const char *
proxy_users_enter(struct proxy_users *users, uid_t uid, int64_t now_ms);
void proxy_users_leave(struct proxy_users *users, uid_t uid);

/* Whether a client that was counted in may have a connection to the agent. */
bool proxy_users_may_ask(struct proxy_users *users, uid_t uid, int64_t now_ms);
/* It has got one. Who asks while nobody listens has had nothing of the agent. */
void proxy_users_count_ask(struct proxy_users *users, uid_t uid);

#endif
