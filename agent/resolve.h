/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/resolve.h - names are looked up within a second
 *
 * A name server that says nothing must not use up the time of a start. But that
 * nothing came is no answer: a look-up goes on after its time, and whoever asks
 * next gets what came of it. What a name stood for last counts until something
 * newer is known.
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_RESOLVE_H
#define REMORA_AGENT_RESOLVE_H

#include <gio/gio.h>
#include <stdbool.h>

/* So many names are remembered, and looked up at a time. Definitions are
 * untrusted. */
#define RESOLVE_NAMES_MAX 256u
#define RESOLVE_AT_WORK   16u

/* When the second that all names of one question have together is over. */
gint64 resolve_limit_us(void);

/* Looks a name up, if nobody does and nothing fresh is known. Waits for nothing. */
void resolve_begin(const char *name);
/* Its addresses, of char *, to be unreferenced; empty: there is no such name.
 * NULL: nothing came until then. */
GPtrArray *resolve_name(const char *name, gint64 until_us);

/*
 * The places that a service is at, '_NAME._tcp' in the given domain, or where
 * that is NULL in this host's own search domains: of GSrvTarget, the best first,
 * g_resolver_free_targets() them. NULL: none such. Blocks for a second at most.
 */
GList *resolve_service(const char *name, const char *domain);

#endif
