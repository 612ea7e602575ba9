/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/ratelimit.c - lines that a client can cause again and again
 */
#include "config.h"

#include "hooks/proxy/ratelimit.h"

#include <stddef.h>
#include <sys/mman.h>

struct front_seldom *
front_seldom_new(void)
{
    struct front_seldom *seldom =
        mmap(NULL, sizeof(*seldom), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return seldom == MAP_FAILED ? NULL : seldom;
}

void
front_seldom_free(struct front_seldom *seldom)
{
    if (seldom)
        (void)munmap(seldom, sizeof(*seldom));
}

bool
front_seldom_may(struct front_seldom *seldom, int64_t now_ms)
{
    uint32_t now = (uint32_t)(now_ms / 1000) + 1;
    uint32_t said_at = atomic_load(&seldom->said_at);

    if (said_at != 0 && now - said_at < FRONT_SELDOM_SECONDS)
        return false;
    return atomic_compare_exchange_strong(&seldom->said_at, &said_at, now);
}
