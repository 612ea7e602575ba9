/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/monitors.c - the live monitor map
 *
 * 'mon dump' names every address of every monitor with its protocol. Only
 * the structured list is read; the legacy text field beside it shows one
 * address in a form that readers have cut in the wrong place before.
 */
#include "config.h"

#include "agent/rbd/conn/monitors.h"

#include "agent/rbd/conn/ask.h"
#include "agent/rbd/conn/connection.h"
#include "agent/rbd/conn/error.h"
#include "agent/rbd/conn/probe.h"
#include "agent/rbd/conn/seen.h"
#include "agent/rbd/conn/warm.h"

#include <jansson.h>
#include <string.h>

/* 'IPv4:port' or '[IPv6]:port'; NULL for anything else. */
static StoreMonitor *
monitor_from_address(const char *address, bool v2)
{
    const char *colon = strrchr(address, ':');
    gsize host_len;
    guint64 port;

    if (!colon ||
        !g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &port, NULL))
        return NULL;
    host_len = (gsize)(colon - address);
    if (host_len >= 2 && address[0] == '[' && colon[-1] == ']') {
        address++;
        host_len -= 2;
    }

    StoreMonitor *monitor = g_new0(StoreMonitor, 1);
    monitor->host = g_strndup(address, host_len);
    monitor->port = g_strdup(colon + 1);
    monitor->v2 = v2;
    if (g_hostname_is_ip_address(monitor->host))
        return monitor;
    store_monitor_free(monitor);
    return NULL;
}

/* Adds a monitor's addresses of one protocol. */
static void
add_addresses(GPtrArray *monitors, json_t *addrvec, bool v2, bool *seen)
{
    size_t i;
    json_t *entry;

    json_array_foreach(addrvec, i, entry)
    {
        const char *type = json_string_value(json_object_get(entry, "type"));
        const char *addr = json_string_value(json_object_get(entry, "addr"));

        if (!type || !addr || monitors->len >= STORE_MONITORS_MAX)
            continue;
        if (strcmp(type, v2 ? "v2" : "v1") != 0)
            continue;
        StoreMonitor *monitor = monitor_from_address(addr, v2);
        if (!monitor)
            continue;
        monitor->other = *seen;
        *seen = true;
        g_ptr_array_add(monitors, monitor);
    }
}

GPtrArray *
store_monitors_parse(const char *json, gsize len, GError **error)
{
    json_error_t why;
    json_t *root = json_loadb(json, len, 0, &why);
    json_t *mons = json_object_get(root, "mons");
    json_t *mon;
    size_t i;
    g_autoptr(GPtrArray) monitors =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_monitor_free);

    json_array_foreach(mons, i, mon)
    {
        json_t *addrvec =
            json_object_get(json_object_get(mon, "public_addrs"), "addrvec");
        bool seen = false;

        add_addresses(monitors, addrvec, false, &seen);
        add_addresses(monitors, addrvec, true, &seen);
    }
    json_decref(root);
    if (monitors->len == 0) {
        store_refuse(error, STORE_ERROR_FAILED,
                     "the cluster's monitor map cannot be read: it names no "
                     "address (see 'ceph mon dump')");
        return NULL;
    }
    return g_steal_pointer(&monitors);
}

GPtrArray *
store_monitors(StoreCluster *cluster, GError **error)
{
    g_autoptr(StoreConn) conn = store_conn_acquire(cluster, error);
    g_autofree char *text = NULL;
    GPtrArray *monitors;
    gsize len = 0;

    if (!conn)
        return NULL;
    if (!store_mon_command(conn,
                           "{\"prefix\":\"mon dump\",\"format\":\"json\"}",
                           &text, &len, error)) {
        g_prefix_error(error, "cannot read the monitor map: ");
        return NULL;
    }
    monitors = store_monitors_parse(text, len, error);
    if (!monitors)
        return NULL;
    store_probe_ask(cluster, monitors);
    store_seen_note(cluster, store_conn_fsid(cluster), monitors);
    return monitors;
}
