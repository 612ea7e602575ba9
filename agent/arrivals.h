/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/arrivals.h - domains that are about to arrive by live migration
 *
 * Nothing in the arguments of 'prepare' tells an arriving domain from a cold
 * start, but on the destination 'migrate begin' comes first (libvirt's
 * hooks.html). It is remembered by the domain's name, for one use, for 10 s.
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_ARRIVALS_H
#define REMORA_AGENT_ARRIVALS_H

#include <stdbool.h>

typedef struct Arrivals Arrivals;

Arrivals *arrivals_new(void);
void arrivals_free(Arrivals *arrivals);
void arrivals_note(Arrivals *arrivals, const char *domain);
/* Whether the domain was noted less than 10 s ago; it is forgotten then. */
bool arrivals_take(Arrivals *arrivals, const char *domain);

#endif
