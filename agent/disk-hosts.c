/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/disk-hosts.c - are the monitors that a disk names still monitors?
 */
#include "config.h"

#include "agent/disk-hosts.h"

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
                    DiskHostsLimit *limit)
{
    g_autoptr(GPtrArray) addresses = resolve_name(host->host, limit->until_us);

    if (!addresses && !limit->unanswered)
        limit->unanswered = g_strdup(host->host);
    for (guint i = 0; addresses && i < addresses->len; i++)
        if (is_monitor(g_ptr_array_index(addresses, i), host->port, monitors))
            return true;
    return false;
}

void
disk_hosts_limit_clear(DiskHostsLimit *limit)
{
    g_clear_pointer(&limit->unanswered, g_free);
}

static bool
names_monitor(const GPtrArray *all,
              const GPtrArray *monitors,
              DiskHostsLimit *limit)
{
    for (guint i = 0; i < all->len; i++) {
        const DomMonitor *host = g_ptr_array_index(all, i);

        if (!g_hostname_is_ip_address(host->host))
            resolve_begin(host->host);
    }
    if (limit->until_us == 0)
        limit->until_us = resolve_limit_us();
    for (guint i = 0; i < all->len; i++) {
        const DomMonitor *host = g_ptr_array_index(all, i);

        if (!g_hostname_is_ip_address(host->host) &&
            resolves_to_monitor(host, monitors, limit))
            return true;
    }
    return false;
}

bool
disk_hosts_among(const GPtrArray *hosts,
                 const GPtrArray *monitors,
                 DiskHostsLimit *limit)
{
    g_autoptr(GPtrArray) all = dom_monitors_of_hosts(hosts);

    for (guint i = 0; i < all->len; i++) {
        const DomMonitor *host = g_ptr_array_index(all, i);

        if (is_monitor(host->host, host->port, monitors))
            return true;
    }
    return names_monitor(all, monitors, limit);
}

bool
disk_hosts_known(const DomDisk *disk, const GPtrArray *monitors)
{
    g_auto(DiskHostsLimit) limit = {0};

    return !disk->hosts || disk->hosts->len == 0 ||
           disk_hosts_among(disk->hosts, monitors, &limit);
}

char *
disk_hosts_text(const DomDisk *disk)
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
