/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/hosts.c - are the monitors that a disk names still monitors?
 */
#include "config.h"

#include "agent/hosts.h"

#include <gio/gio.h>
#include <string.h>

/* For all names of a disk together: a name server that says nothing must not
 * use up the time of a start. */
#define RESOLVE_US G_USEC_PER_SEC

/* Addresses are compared as addresses: IPv6 has many spellings. */
static bool
same_host(const char *a, const char *b)
{
    g_autoptr(GInetAddress) one = g_inet_address_new_from_string(a);
    g_autoptr(GInetAddress) two = g_inet_address_new_from_string(b);

    if (one && two)
        return g_inet_address_equal(one, two);
    return g_ascii_strcasecmp(a, b) == 0;
}

static bool
same_port(const char *given, const char *port)
{
    if (given)
        return strcmp(given, port) == 0;
    return strcmp(port, "6789") == 0 || strcmp(port, "3300") == 0;
}

static bool
is_monitor(const char *name, const char *port, const GPtrArray *monitors)
{
    for (guint i = 0; i < monitors->len; i++) {
        const StoreMonitor *monitor = g_ptr_array_index(monitors, i);

        if (same_host(name, monitor->host) && same_port(port, monitor->port))
            return true;
    }
    return false;
}

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
start_limit(void)
{
    GCancellable *limit = g_cancellable_new();

    g_thread_unref(g_thread_new("resolve", cancel_later, g_object_ref(limit)));
    return limit;
}

static bool
resolves_to_monitor(const DomHost *host,
                    const GPtrArray *monitors,
                    GCancellable *limit)
{
    g_autoptr(GResolver) resolver = NULL;
    GList *found;
    bool known = false;

    resolver = g_resolver_get_default();
    found = g_resolver_lookup_by_name(resolver, host->name, limit, NULL);
    for (const GList *at = found; at && !known; at = at->next) {
        g_autofree char *address = g_inet_address_to_string(at->data);

        known = is_monitor(address, host->port, monitors);
    }
    g_resolver_free_addresses(found);
    return known;
}

static void
host_free(gpointer data)
{
    DomHost *host = data;

    g_free(host->name);
    g_free(host->port);
    g_free(host);
}

/* 'host', 'host:port', 'v6', '[v6]' or '[v6]:port'. */
static DomHost *
host_of_address(const char *address, const char *port)
{
    const char *colon = strrchr(address, ':');
    DomHost *host = g_new0(DomHost, 1);
    const char *end = NULL;

    if (address[0] == '[') {
        end = strchr(++address, ']');
        if (!end)
            end = address + strlen(address);
        colon = end[0] && end[1] == ':' ? end + 1 : NULL;
    } else if (colon && strchr(address, ':') == colon) {
        end = colon;
    } else {
        colon = NULL;
        end = address + strlen(address);
    }
    host->name = g_strndup(address, (gsize)(end - address));
    host->port = g_strdup(colon ? colon + 1 : port);
    return host;
}

static bool
has_bracket_too_many(const char *text)
{
    int depth = 0;

    for (; *text; text++)
        depth += *text == '[' ? 1 : *text == ']' ? -1 : 0;
    return depth < 0;
}

/* One address of a list, which may be in the brackets of a monitor that has
 * several. */
static DomHost *
host_of_word(char *word, const char *port)
{
    static const char *const protocols[] = {"v1:", "v2:", "any:"};
    char *at = word;

    at[strcspn(at, "/")] = '\0'; /* a nonce */
    if (at[0] == '[' &&
        (g_str_has_prefix(at + 1, "v1:") || g_str_has_prefix(at + 1, "v2:")))
        at++;
    for (gsize i = 0; i < G_N_ELEMENTS(protocols); i++) {
        if (g_str_has_prefix(at, protocols[i])) {
            at += strlen(protocols[i]);
            break;
        }
    }
    if (g_str_has_suffix(at, "]") && has_bracket_too_many(at))
        at[strlen(at) - 1] = '\0';
    return host_of_address(at, port);
}

/* At most DOM_HOSTS_MAX, of DomHost. */
static GPtrArray *
spread(const GPtrArray *hosts)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(host_free);

    for (guint i = 0; i < hosts->len; i++) {
        const DomHost *host = g_ptr_array_index(hosts, i);
        g_auto(GStrv) words =
            g_strsplit_set(host->name ? host->name : "", ",; \t", -1);

        for (gsize w = 0; words[w] && all->len < DOM_HOSTS_MAX; w++)
            if (words[w][0])
                g_ptr_array_add(all, host_of_word(words[w], host->port));
    }
    return all;
}

bool
hosts_among(const GPtrArray *hosts, const GPtrArray *monitors)
{
    g_autoptr(GPtrArray) all = spread(hosts);
    g_autoptr(GCancellable) limit = NULL;

    for (guint i = 0; i < all->len; i++) {
        const DomHost *host = g_ptr_array_index(all, i);

        if (is_monitor(host->name, host->port, monitors))
            return true;
    }
    for (guint i = 0; i < all->len; i++) {
        const DomHost *host = g_ptr_array_index(all, i);

        if (!host->name[0] || g_hostname_is_ip_address(host->name))
            continue;
        if (!limit)
            limit = start_limit();
        if (resolves_to_monitor(host, monitors, limit))
            return true;
    }
    return false;
}

bool
hosts_known(const DomDisk *disk, const GPtrArray *monitors)
{
    return !disk->hosts || disk->hosts->len == 0 ||
           hosts_among(disk->hosts, monitors);
}

char *
hosts_text(const DomDisk *disk)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < disk->hosts->len; i++) {
        const DomHost *host = g_ptr_array_index(disk->hosts, i);

        g_string_append_printf(
            text, "%s%s%s%s", i ? " " : "", host->name ? host->name : "?",
            host->port ? ":" : "", host->port ? host->port : "");
    }
    return g_string_free(text, FALSE);
}
