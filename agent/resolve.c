/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/resolve.c - names are looked up within a second
 */
#include "config.h"

#include "agent/resolve.h"

#include <netinet/in.h>
#include <resolv.h>

#define RESOLVE_US G_USEC_PER_SEC

/* So long an answer is fresh, and so long is no answer asked for again. */
#define FRESH_US (10 * G_USEC_PER_SEC)
#define PAUSE_US (2 * G_USEC_PER_SEC)

/* ---- names ------------------------------------------------------------------- */

typedef struct {
    GPtrArray *addresses; /* what came last; NULL: nothing yet */
    gint64 fresh_until_us;
    bool at_work;
} Name;

static struct {
    GMutex lock;
    GCond came;
    GHashTable *names; /* char * -> Name */
    guint at_work;
} known;

static void
name_free(gpointer data)
{
    Name *name = data;

    if (name->addresses)
        g_ptr_array_unref(name->addresses);
    g_free(name);
}

gint64
resolve_limit_us(void)
{
    return g_get_monotonic_time() + RESOLVE_US;
}

/* NULL: nothing came of it. That there is no such name is an answer. */
static GPtrArray *
look_up(const char *text)
{
    g_autoptr(GResolver) resolver = g_resolver_get_default();
    g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    GList *found = g_resolver_lookup_by_name(resolver, text, NULL, &error);

    if (!found &&
        !g_error_matches(error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND))
        return NULL;
    for (const GList *at = found; at; at = at->next)
        g_ptr_array_add(addresses, g_inet_address_to_string(at->data));
    g_resolver_free_addresses(found);
    return g_steal_pointer(&addresses);
}

/* It takes as long as it takes: a name server that is dead costs 5 s before the
 * next one is asked. */
static gpointer
look_up_in_thread(gpointer data)
{
    g_autofree char *text = data;
    GPtrArray *addresses = look_up(text);
    Name *name;

    g_mutex_lock(&known.lock);
    name = g_hash_table_lookup(known.names, text);
    name->at_work = false;
    name->fresh_until_us =
        g_get_monotonic_time() + (addresses ? FRESH_US : PAUSE_US);
    if (addresses) {
        g_clear_pointer(&name->addresses, g_ptr_array_unref);
        name->addresses = addresses;
    }
    known.at_work--;
    g_cond_broadcast(&known.came);
    g_mutex_unlock(&known.lock);
    return NULL;
}

/* Any that nobody looks up: it is looked up again when it is needed. */
static gboolean
is_idle(gpointer text, gpointer name, gpointer data)
{
    (void)text;
    (void)data;
    return !((const Name *)name)->at_work;
}

/* Under the lock. */
static Name *
find_or_add(const char *text)
{
    Name *name;

    if (!known.names)
        known.names =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, name_free);
    name = g_hash_table_lookup(known.names, text);
    if (name)
        return name;
    if (g_hash_table_size(known.names) >= RESOLVE_NAMES_MAX)
        (void)g_hash_table_foreach_remove(known.names, is_idle, NULL);
    name = g_new0(Name, 1);
    g_hash_table_insert(known.names, g_strdup(text), name);
    return name;
}

void
resolve_begin(const char *name)
{
    Name *found;

    g_mutex_lock(&known.lock);
    found = find_or_add(name);
    if (!found->at_work && known.at_work < RESOLVE_AT_WORK &&
        g_get_monotonic_time() >= found->fresh_until_us) {
        found->at_work = true;
        known.at_work++;
        g_thread_unref(
            g_thread_new("resolve", look_up_in_thread, g_strdup(name)));
    }
    g_mutex_unlock(&known.lock);
}

GPtrArray *
resolve_name(const char *name, gint64 until_us)
{
    GPtrArray *addresses = NULL;
    const Name *found;

    resolve_begin(name);
    g_mutex_lock(&known.lock);
    do
        found = g_hash_table_lookup(known.names, name);
    while (found && found->at_work &&
           g_cond_wait_until(&known.came, &known.lock, until_us));
    if (found && found->addresses)
        addresses = g_ptr_array_ref(found->addresses);
    g_mutex_unlock(&known.lock);
    return addresses;
}

/* ---- services ---------------------------------------------------------------- */

static gpointer
cancel_later(gpointer limit)
{
    g_usleep(RESOLVE_US);
    g_cancellable_cancel(limit);
    g_object_unref(limit);
    return NULL;
}

/* GLib's resolver has no time limit of its own. */
static GCancellable *
limit_new(void)
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
    g_autoptr(GCancellable) limit = limit_new();
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
