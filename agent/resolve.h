/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/resolve.h - names are looked up within a second
 *
 * Threads: any.
 */
#ifndef REMORA_AGENT_RESOLVE_H
#define REMORA_AGENT_RESOLVE_H

#include <gio/gio.h>

/* For all names of one question together: a name server that says nothing must
 * not use up the time of a start. g_object_unref() it. */
GCancellable *resolve_limit_new(void);

/*
 * The places that a service is at, '_NAME._tcp' in the given domain, or where
 * that is NULL in this host's own search domains: of GSrvTarget, the best first,
 * g_resolver_free_targets() them. NULL: none such. Blocks for a second at most.
 */
GList *resolve_service(const char *name, const char *domain);

#endif
