/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/resolve.c - names are looked up within a second
 */
#include "config.h"

#include "agent/resolve.h"

#include <netinet/in.h>
#include <resolv.h>

#define RESOLVE_US G_USEC_PER_SEC

static gpointer
cancel_later(gpointer limit)
{
    g_usleep(RESOLVE_US);
    g_cancellable_cancel(limit);
    g_object_unref(limit);
    return NULL;
}

/* GLib's resolver has no time limit of its own. */
GCancellable *
resolve_limit_new(void)
{
    GCancellable *limit = g_cancellable_new();

    g_thread_unref(g_thread_new("resolve", cancel_later, g_object_ref(limit)));
    return limit;
}

/* What resolv.conf searches: GLib takes whole names only. */
static GPtrArray *
search_domains(void)
{
    GPtrArray *domains = g_ptr_array_new_with_free_func(g_free);
    struct __res_state state = {0};

    if (res_ninit(&state) == 0) {
        for (gsize i = 0; i < MAXDNSRCH && state.dnsrch[i]; i++)
            g_ptr_array_add(domains, g_strdup(state.dnsrch[i]));
        res_nclose(&state);
    }
    return domains;
}

GList *
resolve_service(const char *name, const char *domain)
{
    g_autoptr(GResolver) resolver = g_resolver_get_default();
    g_autoptr(GCancellable) limit = resolve_limit_new();
    g_autoptr(GPtrArray) domains = NULL;
    GList *found = NULL;

    if (domain)
        return g_resolver_lookup_service(resolver, name, "tcp", domain, limit,
                                         NULL);
    domains = search_domains();
    for (guint i = 0; i < domains->len && !found; i++)
        found = g_resolver_lookup_service(
            resolver, name, "tcp", g_ptr_array_index(domains, i), limit, NULL);
    return found;
}
