/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/monitors.c - the monitors that ceph.conf names
 *
 * For who may not, or cannot, ask the cluster. librados has parsed the file, but
 * shows its options only as text; xml/dom-monitors.h reads that.
 */
#include "config.h"

#include "agent/monitors.h"

#include "agent/resolve.h"
#include "xml/dom-monitors.h"

#include <string.h>

static GPtrArray *
monitors_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)store_monitor_free);
}

static void
add(GPtrArray *monitors, const DomMonitor *read)
{
    StoreMonitor *monitor = g_new0(StoreMonitor, 1);

    monitor->host = g_strdup(read->host);
    monitor->port = g_strdup(read->port);
    monitor->v2 = read->messenger == DOM_MESSENGER_V2;
    monitor->other = read->other;
    g_ptr_array_add(monitors, monitor);
}

GPtrArray *
monitors_from_text(const char *mon_host, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(GPtrArray) read = dom_monitors_parse(mon_host, &why);
    GPtrArray *monitors;

    if (!read) {
        g_set_error_literal(error, STORE_ERROR, STORE_ERROR_FAILED,
                            why->message);
        return NULL;
    }
    monitors = monitors_new();
    for (guint i = 0; i < read->len; i++)
        add(monitors, g_ptr_array_index(read, i));
    return monitors;
}

/* A target is a name, and QEMU's librados looks that up. 'NAME_DOMAIN' is how
 * the option has a domain. */
static char *
from_dns(const StoreCluster *cluster)
{
    g_autofree char *name = store_conf_option(cluster, "mon_dns_srv_name");
    char *domain = name ? strchr(name, '_') : NULL;
    GString *text = g_string_new(NULL);
    GList *found;

    if (domain)
        *domain++ = '\0';
    found = name && *name ? resolve_service(name, domain) : NULL;
    for (GList *at = found; at; at = at->next) {
        const char *host = g_srv_target_get_hostname(at->data);

        g_string_append_printf(text, "%.*s:%u ",
                               (int)strlen(host) - g_str_has_suffix(host, "."),
                               host, g_srv_target_get_port(at->data));
    }
    g_resolver_free_targets(found);
    return g_string_free(text, FALSE);
}

GPtrArray *
monitors_from_conf(const StoreCluster *cluster, GError **error)
{
    g_autofree char *text = store_conf_mon_host(cluster);

    if (!text)
        text = from_dns(cluster);
    if (*text)
        return monitors_from_text(text, error);
    g_set_error(error, STORE_ERROR, STORE_ERROR_MISSING,
                "'%s' cannot be read or names no monitors, and DNS has none: "
                "set mon_host there",
                store_conf_path(cluster));
    return NULL;
}
