/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/ratelimit.c - how often a line that clients cause is logged
 */
#include "config.h"

#include "hooks/proxy/ratelimit.h"

#include <stddef.h>
#include <sys/mman.h>

struct proxy_ratelimit *
proxy_ratelimit_new(void)
{
    struct proxy_ratelimit *limit =
        mmap(NULL, sizeof(*limit), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return limit == MAP_FAILED ? NULL : limit;
}

void
proxy_ratelimit_free(struct proxy_ratelimit *limit)
{
    if (limit)
        (void)munmap(limit, sizeof(*limit));
}

bool
proxy_ratelimit_allows(struct proxy_ratelimit *limit, int64_t now_ms)
{
    uint32_t now = (uint32_t)(now_ms / 1000) + 1;
    uint32_t said_at = atomic_load(&limit->said_at);

    if (said_at != 0 && now - said_at < PROXY_RATELIMIT_SECONDS)
        return false;
    return atomic_compare_exchange_strong(&limit->said_at, &said_at, now);
}
