/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/status-print.c - what remora status found, as text
 */
#include "config.h"

#include "agent/cli/cmd.h"
#include "agent/cli/status.h"

#include <stdio.h>

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "-";
}

static void
print_flattening(const json_t *agent)
{
    size_t i;
    const json_t *one;

    json_array_foreach(json_object_get(agent, "flattening"), i, one)
        printf("flatten  %s: %d %%, by %s\n", text_of(one, "image"),
               (int)json_integer_value(json_object_get(one, "percent")),
               json_is_true(json_object_get(one, "by_cluster"))
                   ? "the cluster's task queue"
                   : "remorad");
}

static void
print_agent(const json_t *agent)
{
    json_int_t up = json_integer_value(json_object_get(agent, "uptime_s"));

    if (!json_is_true(json_object_get(agent, "running"))) {
        printf("agent    not running (%s); starts are served by remorad "
               "--one-shot\n",
               text_of(agent, "error"));
        return;
    }
    if (json_object_get(agent, "error")) {
        printf("agent    runs, but gives no status: %s\n",
               text_of(agent, "error"));
        return;
    }
    printf("agent    remorad %s, pid %d, up %d s, %d domains starting\n",
           text_of(agent, "version"),
           (int)json_integer_value(json_object_get(agent, "pid")), (int)up,
           (int)json_integer_value(json_object_get(agent, "starting")));
    print_flattening(agent);
}

static void
print_secret(const json_t *secret)
{
    if (secret)
        printf("secret   %s (%s)\n", text_of(secret, "uuid"),
               text_of(secret, "state"));
}

static void
print_cluster(const json_t *cluster)
{
    size_t i;
    const json_t *monitor;
    const json_t *monitors = json_object_get(cluster, "monitors");

    printf("cluster  %s: %s, client.%s (guests: client.%s)",
           text_of(cluster, "name"), text_of(cluster, "state"),
           text_of(cluster, "user"), text_of(cluster, "guest_user"));
    if (json_object_get(cluster, "error"))
        printf(": %s", text_of(cluster, "error"));
    else
        printf(", fsid %s", text_of(cluster, "fsid"));
    putchar('\n');
    json_array_foreach(monitors, i, monitor)
        printf("monitor  %s port %s (%s)\n", text_of(monitor, "host"),
               text_of(monitor, "port"), text_of(monitor, "protocol"));
    print_secret(json_object_get(cluster, "libvirt_secret"));
}

/* "running on alpha as 192.0.2.11:0/7, 12 s"; NULL: no claim. */
static char *
claim_text(const json_t *disk)
{
    const char *phase = json_string_value(json_object_get(disk, "claim_phase"));
    const char *to = json_string_value(json_object_get(disk, "claim_to"));
    json_int_t age = json_integer_value(json_object_get(disk, "claim_age_s"));

    if (!phase)
        return NULL;
    return g_strdup_printf("%s on %s as %s%s%s, %d s", phase,
                           text_of(disk, "claimed_by"),
                           text_of(disk, "claim_client"), to ? ", to " : "",
                           to ? to : "", (int)age);
}

static void
print_disk(CmdTable *table,
           const json_t *domain,
           const json_t *disk,
           const char *running)
{
    const json_t *size = json_object_get(disk, "size");
    g_autofree char *text =
        size ? cmd_size((guint64)json_integer_value(size)) : NULL;
    g_autofree char *claim = claim_text(disk);
    const char *cluster = json_string_value(json_object_get(disk, "cluster"));
    g_autofree char *image =
        g_strconcat(cluster ? cluster : "", cluster ? ": " : "",
                    text_of(disk, "image"), NULL);

    cmd_table_add(table, text_of(domain, "name"), running,
                  text_of(disk, "target"), image, text, text_of(disk, "state"),
                  claim);
}

static void
print_domains(const json_t *domains)
{
    static const char *const headings[] = {"DOMAIN", "STATE", "TARGET", "IMAGE",
                                           "SIZE",   "DISK",  "CLAIM",  NULL};
    CmdTable *table = cmd_table_new(headings);
    size_t i;
    size_t j;
    const json_t *domain;
    const json_t *disk;

    json_array_foreach(domains, i, domain)
    {
        const char *running = json_is_true(json_object_get(domain, "active"))
                                  ? "running"
                                  : "shut off";

        json_array_foreach(json_object_get(domain, "disks"), j, disk)
            print_disk(table, domain, disk, running);
        if (json_object_get(domain, "error"))
            cmd_table_add(table, text_of(domain, "name"), running, NULL, NULL,
                          NULL, text_of(domain, "error"), NULL);
    }
    cmd_table_print(table);
}

static void
print_conversions(const json_t *conversions)
{
    static const char *const headings[] = {"CONVERTED", "INTO",  "SIZE",
                                           "DONE",      "STATE", NULL};
    CmdTable *table = cmd_table_new(headings);
    size_t i;
    const json_t *one;

    json_array_foreach(conversions, i, one)
    {
        json_int_t size = json_integer_value(json_object_get(one, "size"));
        json_int_t done = json_integer_value(json_object_get(one, "done"));
        const char *error = json_string_value(json_object_get(one, "error"));
        g_autofree char *bytes = size ? cmd_size((guint64)size) : NULL;
        g_autofree char *part =
            size ? g_strdup_printf("%d %%", (int)(done * 100 / size)) : NULL;
        g_autofree char *state = g_strconcat(text_of(one, "state"),
                                             error ? ": " : NULL, error, NULL);

        cmd_table_add(table, text_of(one, "image"), text_of(one, "into"), bytes,
                      part, state);
    }
    cmd_table_print(table);
}

static void
print_claims(const json_t *claims)
{
    static const char *const headings[] = {"CLAIMED IMAGE", "FOR", "CLAIM",
                                           NULL};
    CmdTable *table = cmd_table_new(headings);
    size_t i;
    const json_t *one;

    json_array_foreach(claims, i, one)
    {
        g_autofree char *claim = claim_text(one);

        cmd_table_add(table, text_of(one, "image"), text_of(one, "claimed_for"),
                      claim);
    }
    cmd_table_print(table);
}

/* Local time; g_free() it. */
static char *
time_text(const json_t *object, const char *key)
{
    json_int_t seconds = json_integer_value(json_object_get(object, key));
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_local(seconds);

    return when ? g_date_time_format(when, "%F %T") : NULL;
}

static void
print_recoveries(const json_t *recoveries)
{
    static const char *const headings[] = {"RECOVERED", "DOMAIN", "TARGET",
                                           "IMAGE",     "WHAT",   NULL};
    CmdTable *table = cmd_table_new(headings);
    size_t i;
    const json_t *one;

    json_array_foreach(recoveries, i, one)
    {
        g_autofree char *when = time_text(one, "time");

        cmd_table_add(table, when, text_of(one, "domain"), text_of(one, "disk"),
                      text_of(one, "image"), text_of(one, "text"));
    }
    cmd_table_print(table);
}

static void
print_trash(const json_t *trash)
{
    static const char *const headings[] = {
        "TRASHED", "KEPT UNTIL", "IMAGE", "ID", "HOST", "WHY", NULL};
    CmdTable *table = cmd_table_new(headings);
    size_t i;
    const json_t *one;

    json_array_foreach(trash, i, one)
    {
        g_autofree char *since = time_text(one, "time");
        g_autofree char *until = time_text(one, "until");

        cmd_table_add(table, since, until, text_of(one, "image"),
                      text_of(one, "id"), text_of(one, "host"),
                      text_of(one, "why"));
    }
    cmd_table_print(table);
}

void
status_print(const json_t *root)
{
    const json_t *agent = json_object_get(root, "agent");
    size_t i;
    const json_t *cluster;

    print_agent(agent);
    json_array_foreach(json_object_get(agent, "clusters"), i, cluster)
        print_cluster(cluster);
    print_secret(json_object_get(root, "secret"));
    if (json_object_get(root, "libvirt_error"))
        printf("libvirt  %s\n", text_of(root, "libvirt_error"));
    print_domains(json_object_get(root, "domains"));
    print_conversions(json_object_get(agent, "conversions"));
    print_claims(json_object_get(root, "claims"));
    print_recoveries(json_object_get(root, "recoveries"));
    print_trash(json_object_get(root, "trash"));
    if (json_object_get(root, "trash_error"))
        printf("trash    %s\n", text_of(root, "trash_error"));
}
