/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/report.c - how the agent and its clusters stand, as JSON
 */
#include "config.h"

#include "agent/report.h"

#include "agent/convert.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

static json_t *
monitors_json(const GPtrArray *monitors)
{
    json_t *list = json_array();

    for (guint i = 0; i < monitors->len; i++) {
        const StoreMonitor *monitor = g_ptr_array_index(monitors, i);

        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s}", "host",
                                        monitor->host, "port", monitor->port,
                                        "protocol", monitor->v2 ? "v2" : "v1"));
    }
    return list;
}

/* What only the cluster can tell. */
static void
ask_cluster(const Cluster *of, json_t *cluster)
{
    StoreCluster *store = cluster_store(of);
    g_autoptr(GError) error = NULL;
    const char *fsid = store_cluster_fsid(store, &error);
    g_autoptr(GPtrArray) monitors = fsid ? store_monitors(store, &error) : NULL;

    if (!monitors) {
        json_object_set_new(cluster, "state", json_string("down"));
        json_object_set_new(cluster, "error", json_string(error->message));
        return;
    }
    g_autofree char *secret = cluster_secret_uuid(of, fsid);
    json_object_set_new(cluster, "state", json_string("up"));
    json_object_set_new(cluster, "fsid", json_string(fsid));
    json_object_set_new(cluster, "secret", json_string(secret));
    json_object_set_new(cluster, "monitors", monitors_json(monitors));
}

static json_t *
cluster_json(const Cluster *of)
{
    StoreCluster *store = cluster_store(of);
    guint seconds = 0;
    json_t *cluster = json_pack(
        "{s:s, s:s, s:s}", "name", store_cluster_name(store), "user",
        store_cluster_user(store), "guest_user", cluster_guest_user(of));

    ask_cluster(of, cluster);
    if (store_cluster_is_down(store, &seconds))
        json_object_set_new(cluster, "down_s", json_integer(seconds));
    return cluster;
}

char *
report_agent(Host *host, guint starting, Flattens *flattens, gint64 since_us)
{
    gint64 up = (g_get_monotonic_time() - since_us) / G_USEC_PER_SEC;
    json_t *clusters = json_array();
    json_t *root =
        json_pack("{s:s, s:i, s:I, s:i, s:o, s:o, s:o}", "version", VERSION,
                  "pid", (int)getpid(), "uptime_s", (json_int_t)up, "starting",
                  (int)starting, "flattening", flattens_json(flattens),
                  "clusters", clusters, "conversions", convert_list());
    char *json;
    char *text;

    for (guint i = 0; i < host_clusters(host); i++)
        json_array_append_new(clusters, cluster_json(host_cluster(host, i)));
    json = json_dumps(root, JSON_COMPACT);
    text = g_strdup(json ? json : "{}");
    free(json);
    json_decref(root);
    return text;
}
