/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/seen.c - what is written down of what was seen of a cluster
 *
 * Monitors move, and definitions still name where they were. Without the file
 * those disks would count as another cluster's after a restart.
 */
#include "config.h"

#include "agent/rbd/conn/seen.h"

#include "agent/rbd/conn/greet.h"

#include <string.h>

#define FILE_MAX (64u * 1024u)

static GPtrArray *
list_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)store_monitor_free);
}

void
store_seen_clear(StoreSeen *seen)
{
    g_clear_pointer(&seen->fsid, g_free);
    g_clear_pointer(&seen->now, g_ptr_array_unref);
    g_clear_pointer(&seen->former, g_ptr_array_unref);
}

static void
add(GPtrArray *list, const char *host, const char *port)
{
    StoreMonitor *monitor = g_new0(StoreMonitor, 1);

    monitor->host = g_strdup(host);
    monitor->port = g_strdup(port);
    g_ptr_array_add(list, monitor);
}

static bool
has(const GPtrArray *list, const StoreMonitor *monitor)
{
    for (guint i = 0; i < list->len; i++) {
        const StoreMonitor *other = g_ptr_array_index(list, i);

        if (strcmp(other->host, monitor->host) == 0 &&
            strcmp(other->port, monitor->port) == 0)
            return true;
    }
    return false;
}

static void
parse_line(const char *line, StoreSeen *seen)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 4);
    guint n = g_strv_length(words);

    if (n == 2 && strcmp(words[0], "fsid") == 0 && !seen->fsid)
        seen->fsid = g_strdup(words[1]);
    else if (n == 3 && strcmp(words[0], "now") == 0 &&
             seen->now->len < STORE_MONITORS_MAX)
        add(seen->now, words[1], words[2]);
    else if (n == 3 && strcmp(words[0], "former") == 0 &&
             seen->former->len < STORE_FORMER_MAX)
        add(seen->former, words[1], words[2]);
}

void
store_seen_parse(const char *text, StoreSeen *ret_seen)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    *ret_seen = (StoreSeen){.now = list_new(), .former = list_new()};
    for (gsize i = 0; lines[i]; i++)
        parse_line(lines[i], ret_seen);
}

static void
append(GString *text, const char *word, const GPtrArray *list)
{
    for (guint i = 0; i < list->len; i++) {
        const StoreMonitor *monitor = g_ptr_array_index(list, i);

        g_string_append_printf(text, "%s %s %s\n", word, monitor->host,
                               monitor->port);
    }
}

char *
store_seen_text(const StoreSeen *seen)
{
    GString *text = g_string_new(NULL);

    if (seen->fsid)
        g_string_append_printf(text, "fsid %s\n", seen->fsid);
    append(text, "now", seen->now);
    append(text, "former", seen->former);
    return g_string_free(text, FALSE);
}

static bool
same(const GPtrArray *a, const GPtrArray *b)
{
    if (a->len != b->len)
        return false;
    for (guint i = 0; i < a->len; i++)
        if (!has(b, g_ptr_array_index(a, i)))
            return false;
    return true;
}

/* What has gone from the map, before what had gone earlier. */
static void
take_former(GPtrArray *former, const GPtrArray *from, const GPtrArray *now)
{
    for (guint i = 0; i < from->len && former->len < STORE_FORMER_MAX; i++) {
        const StoreMonitor *monitor = g_ptr_array_index(from, i);

        if (!has(now, monitor) && !has(former, monitor))
            add(former, monitor->host, monitor->port);
    }
}

void
store_seen_expect(StoreSeen *seen, const char *fsid)
{
    if (!fsid || !seen->fsid || g_ascii_strcasecmp(seen->fsid, fsid) == 0)
        return;
    store_seen_clear(seen);
    *seen = (StoreSeen){NULL, list_new(), list_new()};
}

bool
store_seen_update(StoreSeen *seen, const char *fsid, const GPtrArray *monitors)
{
    bool known = seen->fsid && strcmp(seen->fsid, fsid) == 0;
    StoreSeen next = {g_strdup(fsid), list_new(), list_new()};

    if (known && same(seen->now, monitors)) {
        store_seen_clear(&next);
        return false;
    }
    for (guint i = 0; i < monitors->len; i++) {
        const StoreMonitor *monitor = g_ptr_array_index(monitors, i);

        add(next.now, monitor->host, monitor->port);
    }
    if (known) {
        take_former(next.former, seen->now, monitors);
        take_former(next.former, seen->former, monitors);
    }
    store_seen_clear(seen);
    *seen = next;
    return true;
}

static char *
path_of(const StoreCluster *cluster)
{
    g_autofree char *name =
        g_uri_escape_string(store_cluster_name(cluster), NULL, FALSE);

    return g_strdup_printf("%s/monitors.%s", store_settings(cluster)->state_dir,
                           name);
}

void
store_seen_read(const StoreCluster *cluster, StoreSeen *ret_seen)
{
    g_autofree char *path = path_of(cluster);
    g_autofree char *text = NULL;
    gsize len = 0;

    if (!g_file_get_contents(path, &text, &len, NULL) || len > FILE_MAX)
        g_clear_pointer(&text, g_free);
    store_seen_parse(text ? text : "", ret_seen);
}

/* Read anew, for another process may have written it. If it cannot be written,
 * this process knows the map all the same. */
void
store_seen_note(const StoreCluster *cluster,
                const char *fsid,
                const GPtrArray *monitors)
{
    g_autofree char *path = path_of(cluster);
    g_auto(StoreSeen) seen = {0};
    g_autofree char *text = NULL;

    store_seen_read(cluster, &seen);
    if (!store_seen_update(&seen, fsid, monitors))
        return;
    text = store_seen_text(&seen);
    if (g_mkdir_with_parents(store_settings(cluster)->state_dir, 0700) == 0)
        (void)g_file_set_contents_full(
            path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
}
