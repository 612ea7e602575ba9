/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/status.c - remora status: agent, cluster, secret, domains, and
 * what was put right
 *
 * Everything is collected as JSON here; the text is that JSON, printed.
 */
#include "config.h"

#include "agent/cli/cmd.h"
#include "agent/cli/json.h"
#include "agent/cli/status.h"
#include "agent/recoveries.h"
#include "agent/report.h"
#include "agent/request.h"
#include "agent/secret.h"
#include "agent/serve/sockets.h"

#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGENT_TIMEOUT_MS 10000
/* The newest of each. */
#define RECOVERIES_SHOWN 20
#define TRASH_SHOWN      20

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "-";
}

static gboolean as_json;
static gboolean watchers;

/* ---- collecting ------------------------------------------------------------ */

static json_t *
parse_bytes(GBytes *bytes)
{
    gsize len;
    const char *text = g_bytes_get_data(bytes, &len);

    return json_loadb(text, len, 0, NULL);
}

/* Whether there is an agent, although it gave no answer. */
static bool
listens(const GError *error)
{
    return !error ||
           (!g_error_matches(error, G_IO_ERROR,
                             G_IO_ERROR_CONNECTION_REFUSED) &&
            !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) &&
            !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED));
}

/* What the agent says of itself and its clusters, or, where none runs, what a
 * connection of our own finds. */
static json_t *
collect_agent(Host *host)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) answer =
        sockets_ask(HOST_RUN_DIR, WIRE_STATUS, AGENT_TIMEOUT_MS, &error);
    json_t *agent = answer ? parse_bytes(answer) : NULL;
    g_autofree char *own = NULL;

    if (agent) {
        json_object_set_new(agent, "running", json_true());
        return agent;
    }
    own = report_agent(host, 0, NULL, g_get_monotonic_time());
    agent = json_loads(own, 0, NULL);
    json_object_set_new(agent, "running", json_boolean(listens(error)));
    json_object_del(agent, "pid");
    json_object_del(agent, "uptime_s");
    json_object_set_new(
        agent, "error",
        json_string(error ? error->message : "its answer cannot be read"));
    return agent;
}

static const char *
secret_state(SecretKind kind)
{
    switch (kind) {
    case SECRET_OURS:
        return "defined";
    case SECRET_OPEN:
        return "not private";
    case SECRET_FOREIGN:
        return "not remora's";
    case SECRET_MISSING:
    default:
        return "missing";
    }
}

static json_t *
secret_json(const Cluster *cluster, virConnectPtr conn, const char *uuid)
{
    g_autoptr(virSecret) secret = virSecretLookupByUUIDString(conn, uuid);
    g_autofree char *usage = secret_usage(cluster_guest_user(cluster), uuid);
    char *xml = secret ? virSecretGetXMLDesc(secret, 0) : NULL;
    SecretKind kind = secret_kind(xml, usage);

    free(xml);
    return json_pack("{s:s, s:b, s:s}", "uuid", uuid, "defined",
                     kind != SECRET_MISSING, "state", secret_state(kind));
}

/* The agent may go by another reading of the configuration. */
static json_t *
cluster_of(const json_t *root, const Cluster *cluster)
{
    const json_t *agent = json_object_get(root, "agent");
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(agent, "clusters"), i, one)
    {
        if (strcmp(text_of(one, "name"), cluster_name(cluster)) == 0)
            return one;
    }
    return NULL;
}

/* That of the only cluster stands beside the agent, those of several with each. */
static void
collect_secrets(Host *host, virConnectPtr conn, json_t *root)
{
    for (guint i = 0; i < host_clusters(host); i++) {
        const Cluster *cluster = host_cluster(host, i);
        json_t *one = cluster_of(root, cluster);
        const char *uuid = json_string_value(json_object_get(one, "secret"));
        json_t *secret = uuid ? secret_json(cluster, conn, uuid) : NULL;

        if (secret && host_clusters(host) == 1)
            json_object_set_new(root, "secret", secret);
        else if (secret)
            json_object_set_new(one, "libvirt_secret", secret);
    }
}

static void
collect_libvirt(Host *host, json_t *root)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(virConnect) conn = cmd_connect(host, true, &error);
    json_t *domains;

    if (!conn) {
        json_object_set_new(root, "libvirt_error", json_string(error->message));
        return;
    }
    collect_secrets(host, conn, root);
    domains = status_domains(host, conn, watchers, &error);
    if (domains)
        json_object_set_new(root, "domains", domains);
    else
        json_object_set_new(root, "libvirt_error", json_string(error->message));
}

static bool
is_image(const json_t *disk, const Cluster *cluster, const char *image)
{
    const char *name = json_string_value(json_object_get(disk, "cluster"));

    return strcmp(text_of(disk, "image"), image) == 0 &&
           (!name || strcmp(name, cluster_name(cluster)) == 0);
}

/* Whether it is a disk of one of the domains, which has its claim with it. */
static bool
is_shown(const json_t *domains, const Cluster *cluster, const char *image)
{
    size_t i;
    size_t j;
    const json_t *domain;
    const json_t *disk;

    json_array_foreach(domains, i, domain) json_array_foreach(
        json_object_get(domain, "disks"), j,
        disk) if (is_image(disk, cluster, image)) return true;
    return false;
}

/* NULL: there is none, or the cluster cannot say. */
static json_t *
claim_json(const Cluster *cluster, const StoreNoted *noted, const char *image)
{
    StoreState state = {0};
    json_t *json = NULL;

    if (!store_state_in_turn(cluster_store(cluster), noted->pool, noted->image,
                             &state, NULL))
        return NULL;
    if (state.claim_phase) {
        json = json_pack("{s:s}", "image", image);
        status_set_claim(json, &state);
    }
    store_state_clear(&state);
    return json;
}

/* Claims of this host on disks of domains that libvirt does not have. */
static void
collect_claims(const Cluster *cluster, json_t *root, json_t *list)
{
    g_autoptr(GPtrArray) noted =
        store_claims_noted(cluster_store(cluster), NULL);

    for (guint i = 0; i < noted->len; i++) {
        const StoreNoted *one = g_ptr_array_index(noted, i);
        g_autofree char *image =
            g_strdup_printf("%s/%s", one->pool, one->image);
        json_t *claim =
            is_shown(json_object_get(root, "domains"), cluster, image)
                ? NULL
                : claim_json(cluster, one, image);

        if (claim)
            json_array_append_new(list, claim);
    }
}

static json_t *
trashed_json(const StoreTrashed *trashed, const char *pool)
{
    g_autofree char *image = g_strdup_printf("%s/%s", pool, trashed->image);

    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "image", image, "id",
                     trashed->id, "host", trashed->host, "why", trashed->why,
                     "time", (json_int_t)trashed->since, "until",
                     (json_int_t)trashed->until);
}

static void
collect_trash(const Cluster *cluster, json_t *root, json_t *list)
{
    const char *pool = cluster_conf(cluster)->vms_pool;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) trash =
        store_trash_list(cluster_store(cluster), pool, TRASH_SHOWN, &error);

    if (!trash) {
        json_object_set_new(root, "trash_error", json_string(error->message));
        return;
    }
    for (guint i = 0; i < trash->len; i++)
        json_array_append_new(list,
                              trashed_json(g_ptr_array_index(trash, i), pool));
    json_object_set_new(root, "trash", json_incref(list));
}

/* ---- the command ----------------------------------------------------------- */

static bool
is_well(const json_t *root, const json_t *cluster)
{
    const json_t *own = json_object_get(cluster, "libvirt_secret");
    const json_t *secret = own ? own : json_object_get(root, "secret");

    return strcmp(text_of(cluster, "state"), "up") == 0 &&
           (strcmp(text_of(secret, "state"), "defined") == 0 ||
            strcmp(text_of(secret, "state"), "not remora's") == 0);
}

/* 0 when agent, clusters, secrets and libvirt are as they should be. */
static int
health(const json_t *root)
{
    const json_t *agent = json_object_get(root, "agent");
    const json_t *clusters = json_object_get(agent, "clusters");
    size_t i;
    const json_t *cluster;

    json_array_foreach(clusters, i, cluster)
    {
        if (!is_well(root, cluster))
            return 1;
    }
    return json_is_true(json_object_get(agent, "running")) &&
                   !json_object_get(agent, "error") &&
                   json_array_size(clusters) > 0 &&
                   !json_object_get(root, "libvirt_error")
               ? 0
               : 1;
}

static void
collect_images(Host *host, json_t *root)
{
    json_t *claims = json_array();
    json_t *trash = json_array();

    json_object_set_new(root, "claims", claims);
    for (guint i = 0; i < host_clusters(host); i++) {
        const Cluster *cluster = host_cluster(host, i);

        collect_claims(cluster, root, claims);
        collect_trash(cluster, root, trash);
    }
    json_decref(trash);
}

static const GOptionEntry options[] = {
    {"json", 'j', 0, G_OPTION_ARG_NONE, &as_json, "Print JSON", NULL},
    {"watchers", 'w', 0, G_OPTION_ARG_NONE, &watchers,
     "Open each image, and ask who else has it open", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static int
run(const CmdGlobals *globals, char **rest)
{
    json_t *root;
    int status;

    (void)rest;
    g_autoptr(Host) host = cmd_host(globals);
    if (!host)
        return 1;
    root = json_pack("{s:o}", "agent", collect_agent(host));
    collect_libvirt(host, root);
    collect_images(host, root);
    json_object_set_new(root, "recoveries", recoveries_list(RECOVERIES_SHOWN));
    if (as_json)
        cmd_json_print(root);
    else
        status_print(root);
    status = health(root);
    json_decref(root);
    return status;
}

const CmdVerb cmd_status = {
    .name = "status",
    .arguments = "",
    .summary = "Shows agent, cluster, secret, and the domains that are ours",
    .more = "The status is 1 when one of them is not as it should be.",
    .options = options,
    .run = run,
};
