/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/users.c - limits on each user's connections and questions
 */
#include "config.h"

#include "hooks/proxy/users.h"

#include <stdlib.h>

#define ONE_ASK  1000u
#define ALL_ASKS (PROXY_ASKS_BURST * ONE_ASK)

void
proxy_users_init(struct proxy_users *users,
                 size_t max_clients,
                 size_t max_per_user)
{
    *users = (struct proxy_users){
        .max_clients = max_clients,
        .max_per_user = max_per_user,
    };
}

void
proxy_users_clear(struct proxy_users *users)
{
    free(users->users);
    *users = (struct proxy_users){0};
}

static struct proxy_user *
find(struct proxy_users *users, uid_t uid)
{
    for (size_t i = 0; i < users->n_users; i++)
        if (users->users[i].uid == uid)
            return &users->users[i];
    return NULL;
}

static void
count_asks(struct proxy_user *user, int64_t now_ms)
{
    int64_t passed = now_ms - user->full_at;

    /* N questions a second are N thousandths of one in a millisecond. */
    if (passed >= ALL_ASKS / PROXY_ASKS_PER_SECOND)
        user->asks = ALL_ASKS;
    else
        user->asks += (uint32_t)passed * PROXY_ASKS_PER_SECOND;
    if (user->asks > ALL_ASKS)
        user->asks = ALL_ASKS;
    user->full_at = now_ms;
}

/* A user without clients is forgotten only once all of his questions are his
 * again; else connecting anew would be a way round the limit. */
static void
forget_idle(struct proxy_users *users, int64_t now_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < users->n_users; i++) {
        struct proxy_user *user = &users->users[i];

        count_asks(user, now_ms);
        if (user->clients > 0 || user->asks < ALL_ASKS)
            users->users[kept++] = *user;
    }
    users->n_users = kept;
}

static bool
grow(struct proxy_users *users, int64_t now_ms)
{
    size_t capacity = users->capacity ? 2 * users->capacity : 8;
    struct proxy_user *more;

    if (users->n_users < users->capacity)
        return true;
    forget_idle(users, now_ms);
    if (users->n_users < users->capacity)
        return true;
    more = realloc(users->users, capacity * sizeof(*more));
    if (!more)
        return false;
    users->users = more;
    users->capacity = capacity;
    return true;
}

static struct proxy_user *
find_or_add(struct proxy_users *users, uid_t uid, int64_t now_ms)
{
    struct proxy_user *user = find(users, uid);

    if (user)
        return user;
    if (!grow(users, now_ms))
        return NULL;
    user = &users->users[users->n_users++];
    *user = (struct proxy_user){uid, 0, ALL_ASKS, now_ms};
    return user;
}

const char *
proxy_users_enter(struct proxy_users *users, uid_t uid, int64_t now_ms)
{
    struct proxy_user *user;

    if (users->clients >= users->max_clients)
        return "there are as many clients as --max-clients allows";
    user = find_or_add(users, uid, now_ms);
    if (!user)
        return "the host has no memory left";
    if (user->clients >= users->max_per_user)
        return "the user has as many as --max-clients-per-user allows";
    user->clients++;
    users->clients++;
    return NULL;
}

void
proxy_users_leave(struct proxy_users *users, uid_t uid)
{
    struct proxy_user *user = find(users, uid);

    if (!user || user->clients == 0)
        return;
    user->clients--;
    users->clients--;
}

bool
proxy_users_may_ask(struct proxy_users *users, uid_t uid, int64_t now_ms)
{
    struct proxy_user *user = find(users, uid);

    if (uid == 0)
        return true;
    if (!user)
        return false;
    count_asks(user, now_ms);
    return user->asks >= ONE_ASK;
}

void
proxy_users_count_ask(struct proxy_users *users, uid_t uid)
{
    struct proxy_user *user = find(users, uid);

    if (user && uid != 0 && user->asks >= ONE_ASK)
        user->asks -= ONE_ASK;
}
