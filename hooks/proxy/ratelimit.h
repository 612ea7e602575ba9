/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/ratelimit.h - how often a line that clients cause is logged
 *
 * A client that connects in a loop must not fill the log. Parent and relays
 * count together, in memory that they share.
 */
#ifndef REMORA_HOOKS_PROXY_RATELIMIT_H
#define REMORA_HOOKS_PROXY_RATELIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PROXY_RATELIMIT_SECONDS 10u

struct proxy_ratelimit {
    _Atomic uint32_t said_at; /* seconds of wire_clock_ms(); 0: never */
};

/* Shared with the processes that are forked from now on. NULL and errno. */
struct proxy_ratelimit *proxy_ratelimit_new(void);
void proxy_ratelimit_free(struct proxy_ratelimit *limit);

/* Whether to say it now: once in so many seconds, counted over all processes
 * that share it. */
bool proxy_ratelimit_allows(struct proxy_ratelimit *limit, int64_t now_ms);

#endif
