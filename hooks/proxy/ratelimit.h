/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/ratelimit.h - lines that a client can cause again and again
 *
 * A client that connects in a loop must not fill the log. Parent and relays
 * count together, in memory that they share.
 */
#ifndef REMORA_HOOKS_PROXY_RATELIMIT_H
#define REMORA_HOOKS_PROXY_RATELIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FRONT_SELDOM_SECONDS 10u

struct front_seldom {
    _Atomic uint32_t said_at; /* seconds of hook_clock_ms(); 0: never */
};

/* In memory that processes share which are forked from now on. NULL and
 * errno. */
struct front_seldom *front_seldom_new(void);
void front_seldom_free(struct front_seldom *seldom);

/* Whether to say it now: of all who share it, one in so many seconds. */
bool front_seldom_may(struct front_seldom *seldom, int64_t now_ms);

#endif
