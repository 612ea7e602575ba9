/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/arrivals.h - domains that are about to arrive by live migration
 *
 * Nothing in the arguments of 'prepare' tells an arriving domain from a cold
 * start, but on the destination 'migrate begin' comes first (libvirt's
 * hooks.html). It is noted under the domain's name, for one use, for 10 s, in
 * a file: where no agent listens, each of the two is a process of its own.
 *
 * Threads: any, and any number of processes.
 */
#ifndef REMORA_AGENT_ARRIVALS_H
#define REMORA_AGENT_ARRIVALS_H

#include <glib.h>
#include <stdbool.h>

/* dir, on tmpfs, is made when it is needed. FALSE: the note could not be
 * written, so that the domain cannot arrive. */
gboolean arrivals_note(const char *dir, const char *domain, GError **error);
/* Whether the domain was noted less than 10 s ago; it is forgotten then. */
bool arrivals_take(const char *dir, const char *domain);

#endif
