/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/users.c - how much of the proxy each user may have
 */
#include "config.h"

#include "hooks/proxy/users.h"

#include <stdlib.h>

#define ONE_ASK  1000u
#define ALL_ASKS (FRONT_ASKS_BURST * ONE_ASK)

void
front_users_init(struct front_users *users,
                 size_t max_clients,
                 size_t max_per_user)
{
    *users = (struct front_users){
        .max_clients = max_clients,
        .max_per_user = max_per_user,
    };
}

void
front_users_clear(struct front_users *users)
{
    free(users->users);
    *users = (struct front_users){0};
}

static struct front_user *
find(struct front_users *users, uid_t uid)
{
    for (size_t i = 0; i < users->n_users; i++)
        if (users->users[i].uid == uid)
            return &users->users[i];
    return NULL;
}

static void
count_asks(struct front_user *user, int64_t now_ms)
{
    int64_t passed = now_ms - user->full_at;

    /* A thousandth of so many a second is as many in a millisecond. */
    if (passed >= ALL_ASKS / FRONT_ASKS_PER_SECOND)
        user->asks = ALL_ASKS;
    else
        user->asks += (uint32_t)passed * FRONT_ASKS_PER_SECOND;
    if (user->asks > ALL_ASKS)
        user->asks = ALL_ASKS;
    user->full_at = now_ms;
}

/* Who left is remembered until nothing is left to remember of him, or
 * connecting anew would be a way round the limit. */
static void
forget_the_idle(struct front_users *users, int64_t now_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < users->n_users; i++) {
        struct front_user *user = &users->users[i];

        count_asks(user, now_ms);
        if (user->clients > 0 || user->asks < ALL_ASKS)
            users->users[kept++] = *user;
    }
    users->n_users = kept;
}

static bool
make_room(struct front_users *users, int64_t now_ms)
{
    size_t room = users->room ? 2 * users->room : 8;
    struct front_user *more;

    if (users->n_users < users->room)
        return true;
    forget_the_idle(users, now_ms);
    if (users->n_users < users->room)
        return true;
    more = realloc(users->users, room * sizeof(*more));
    if (!more)
        return false;
    users->users = more;
    users->room = room;
    return true;
}

static struct front_user *
find_or_add(struct front_users *users, uid_t uid, int64_t now_ms)
{
    struct front_user *user = find(users, uid);

    if (user)
        return user;
    if (!make_room(users, now_ms))
        return NULL;
    user = &users->users[users->n_users++];
    *user = (struct front_user){uid, 0, ALL_ASKS, now_ms};
    return user;
}

const char *
front_users_enter(struct front_users *users, uid_t uid, int64_t now_ms)
{
    struct front_user *user;

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
front_users_leave(struct front_users *users, uid_t uid)
{
    struct front_user *user = find(users, uid);

    if (!user || user->clients == 0)
        return;
    user->clients--;
    users->clients--;
}

bool
front_users_may_ask(struct front_users *users, uid_t uid, int64_t now_ms)
{
    struct front_user *user = find(users, uid);

    if (uid == 0)
        return true;
    if (!user)
        return false;
    count_asks(user, now_ms);
    return user->asks >= ONE_ASK;
}

void
front_users_count_ask(struct front_users *users, uid_t uid)
{
    struct front_user *user = find(users, uid);

    if (user && uid != 0 && user->asks >= ONE_ASK)
        user->asks -= ONE_ASK;
}
