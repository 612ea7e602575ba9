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

/* 'host:port' or '[v6]:port'; NULL for anything else. */
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
    if (host_len == 0)
        return NULL;

    StoreMonitor *monitor = g_new0(StoreMonitor, 1);
    monitor->host = g_strndup(address, host_len);
    monitor->port = g_strdup(colon + 1);
    monitor->v2 = v2;
    return monitor;
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

/* One address of mon_host: 'host', 'host:port', '[v6]', '[v6]:port', each with
 * or without 'v1:', 'v2:' or 'any:'. */
static StoreMonitor *
monitor_from_word(const char *word)
{
    bool v2 = g_str_has_prefix(word, "v2:");
    g_autofree char *plain = g_strndup(word, strcspn(word, "/")); /* no nonce */
    const char *address = plain;
    const char *colon;

    if (v2 || g_str_has_prefix(plain, "v1:"))
        address += strlen("v1:");
    else if (g_str_has_prefix(plain, "any:"))
        address += strlen("any:");
    colon = strrchr(address, ':');
    if (colon && !(address[0] == '[' && strchr(colon, ']')))
        return monitor_from_address(address, v2 || !strcmp(colon, ":3300"));
    g_autofree char *full =
        g_strdup_printf("%s:%s", address, v2 ? "3300" : "6789");
    return monitor_from_address(full, v2);
}

/* The addresses of one monitor, v1 first as in a map. */
static bool
add_words(GPtrArray *monitors, char *const *words)
{
    bool seen = false;

    for (int v2 = 0; v2 < 2; v2++) {
        for (gsize i = 0; words[i]; i++) {
            StoreMonitor *monitor;

            if (words[i][0] == '\0')
                continue;
            monitor = monitor_from_word(words[i]);
            if (!monitor)
                return false;
            if (monitor->v2 != (v2 == 1)) {
                store_monitor_free(monitor);
                continue;
            }
            monitor->other = seen;
            seen = true;
            g_ptr_array_add(monitors, monitor);
        }
    }
    return true;
}

/* How far a monitor of mon_host goes: over a bracket that begins with a
 * protocol, or to the next separator. */
static gsize
word_length(const char *text, bool *ret_group)
{
    const char *p = text + 1;
    int depth = 1;

    *ret_group = text[0] == '[' && text[1] == 'v' && text[2] != '\0' &&
                 text[3] == ':' && (text[2] == '1' || text[2] == '2');
    if (!*ret_group)
        return strcspn(text, ",; \t");
    for (; *p && depth > 0; p++)
        depth += *p == '[' ? 1 : *p == ']' ? -1 : 0;
    return depth == 0 ? (gsize)(p - text) : 0;
}

GPtrArray *
store_monitors_parse_hosts(const char *hosts, GError **error)
{
    const char *p = hosts + strspn(hosts, ",; \t");
    g_autoptr(GPtrArray) monitors =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_monitor_free);
    bool good = true;

    while (good && *p && monitors->len < STORE_MONITORS_MAX) {
        bool group = false;
        gsize len = word_length(p, &group);
        g_autofree char *word =
            group ? g_strndup(p + 1, len > 2 ? len - 2 : 0) : g_strndup(p, len);
        g_auto(GStrv) words = g_strsplit(word, group ? "," : "\n", -1);

        good = len > 0 && add_words(monitors, words);
        p += len;
        p += strspn(p, ",; \t");
    }
    if (good && monitors->len > 0)
        return g_steal_pointer(&monitors);
    store_refuse(error, STORE_ERROR_FAILED,
                 "mon_host '%s' is not a list of monitor addresses: correct "
                 "it in ceph.conf",
                 hosts);
    return NULL;
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
