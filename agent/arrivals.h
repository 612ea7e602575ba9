/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/arrivals.h - domains that are about to arrive by live migration
 *
 * A start does not say that it is one of a domain that arrives. So what libvirt
 * asks before it, 'migrate begin', puts a number into the domain's metadata,
 * which stands in the definition that the start is asked for with: each is good
 * for one start, of that domain.
 *
 * Threads: any, and any process of this host.
 */
#ifndef REMORA_AGENT_ARRIVALS_H
#define REMORA_AGENT_ARRIVALS_H

#include <glib.h>
#include <stdbool.h>

/* A new number, written down. NULL: it could not be. g_free() it. */
char *arrivals_note(const char *dir, const char *uuid, GError **error);
/* Whether that number was written down for that domain, and not taken yet. */
bool arrivals_take(const char *dir, const char *uuid, const char *number);

#endif
