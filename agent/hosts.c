/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/hosts.c - are the monitors that a disk names still monitors?
 */
#include "config.h"

#include "agent/hosts.h"

#include "agent/resolve.h"
#include "xml/dom-monitors.h"

#include <string.h>

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

/* Without a port either protocol's usual one is tried. */
static bool
same_port(const char *a, const char *b)
{
    const char *port = a ? a : b;

    if (!port || (a && b))
        return g_strcmp0(a, b) == 0;
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

static bool
resolves_to_monitor(const DomMonitor *host,
                    const GPtrArray *monitors,
                    GCancellable *limit)
{
    g_autoptr(GResolver) resolver = NULL;
    GList *found;
    bool known = false;

    if (g_cancellable_is_cancelled(limit))
        return false;
    resolver = g_resolver_get_default();
    found = g_resolver_lookup_by_name(resolver, host->host, limit, NULL);
    for (const GList *at = found; at && !known; at = at->next) {
        g_autofree char *address = g_inet_address_to_string(at->data);

        known = is_monitor(address, host->port, monitors);
    }
    g_resolver_free_addresses(found);
    return known;
}

void
hosts_limit_clear(HostsLimit *limit)
{
    g_clear_object((GObject **)&limit->limit);
}

bool
hosts_among(const GPtrArray *hosts,
            const GPtrArray *monitors,
            HostsLimit *limit)
{
    g_autoptr(GPtrArray) all = dom_monitors_of_hosts(hosts);

    for (guint i = 0; i < all->len; i++) {
        const DomMonitor *host = g_ptr_array_index(all, i);

        if (is_monitor(host->host, host->port, monitors))
            return true;
    }
    for (guint i = 0; i < all->len; i++) {
        const DomMonitor *host = g_ptr_array_index(all, i);

        if (g_hostname_is_ip_address(host->host))
            continue;
        if (!limit->limit)
            limit->limit = resolve_limit_new();
        if (resolves_to_monitor(host, monitors, limit->limit))
            return true;
    }
    return false;
}

bool
hosts_known(const DomDisk *disk, const GPtrArray *monitors)
{
    g_auto(HostsLimit) limit = {0};

    return !disk->hosts || disk->hosts->len == 0 ||
           hosts_among(disk->hosts, monitors, &limit);
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
