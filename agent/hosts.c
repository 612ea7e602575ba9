/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/hosts.c - are the monitors that a disk names still monitors?
 */
#include "config.h"

#include "agent/hosts.h"

#include <gio/gio.h>
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

static bool
resolves_to_monitor(const DomHost *host, const GPtrArray *monitors)
{
    g_autoptr(GResolver) resolver = NULL;
    GList *found;
    bool known = false;

    if (g_hostname_is_ip_address(host->name))
        return false;
    resolver = g_resolver_get_default();
    found = g_resolver_lookup_by_name(resolver, host->name, NULL, NULL);
    for (const GList *at = found; at && !known; at = at->next) {
        g_autofree char *address = g_inet_address_to_string(at->data);

        known = is_monitor(address, host->port, monitors);
    }
    g_resolver_free_addresses(found);
    return known;
}

bool
hosts_known(const DomDisk *disk, const GPtrArray *monitors)
{
    if (!disk->hosts || disk->hosts->len == 0)
        return true;
    for (guint i = 0; i < disk->hosts->len; i++) {
        const DomHost *host = g_ptr_array_index(disk->hosts, i);

        if (host->name && is_monitor(host->name, host->port, monitors))
            return true;
    }
    for (guint i = 0; i < disk->hosts->len; i++) {
        const DomHost *host = g_ptr_array_index(disk->hosts, i);

        if (host->name && resolves_to_monitor(host, monitors))
            return true;
    }
    return false;
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
