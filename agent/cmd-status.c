/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cmd-status.c - remora status: agent, cluster, secret, domains, and
 * what was put right
 *
 * Everything is collected as JSON here; the text is that JSON, printed.
 */
#include "config.h"

#include "agent/cmd-status.h"
#include "agent/cmd.h"
#include "agent/recoveries.h"
#include "agent/report.h"
#include "agent/request.h"
#include "agent/sockets.h"

#include <gio/gio.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGENT_TIMEOUT_MS 10000
/* The newest of each. */
#define RECOVERIES_SHOWN 20
#define TRASH_SHOWN      20

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
    own = report_agent(host, 0, g_get_monotonic_time());
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
disk_word(const DomDisk *disk, const StoreState *state, const char *uuid)
{
    if (!disk->in_place)
        return "definition not rewritten";
    if (!state->there)
        return disk->kind == DOM_DISK_CLONE ? "not made yet" : "missing";
    if (!state->opens)
        return "cannot be opened";
    if (state->owner && !disk->shareable && strcmp(state->owner, uuid) != 0)
        return "another domain's";
    if (state->watchers && state->watchers[0])
        return "in use";
    return disk->kind == DOM_DISK_CLONE && !state->ready ? "not marked"
                                                         : "ready";
}

static json_t *
strings_json(char *const *strings)
{
    json_t *list = json_array();

    for (gsize i = 0; strings && strings[i]; i++)
        json_array_append_new(list, json_string(strings[i]));
    return list;
}

/* The age is for people: the holder's clock may be another host's. */
static void
set_claim(json_t *json, const StoreState *state)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;

    if (!state->claim_holder) {
        json_object_set_new(json, "claimed_by", json_null());
        return;
    }
    json_object_set_new(json, "claimed_by", json_string(state->claim_holder));
    json_object_set_new(json, "claimed_for", json_string(state->claim_owner));
    json_object_set_new(
        json, "claim_age_s",
        json_integer((json_int_t)MAX(now - state->claim_since, 0)));
}

static json_t *
disk_json(Host *host, const DomDisk *disk, const char *uuid)
{
    g_autofree char *image =
        g_strconcat(disk->pool, "/", disk->image, disk->snap ? "@" : NULL,
                    disk->snap, NULL);
    json_t *json =
        json_pack("{s:s, s:s}", "target", disk->target, "image", image);
    StoreState state = {0};
    g_autoptr(GError) error = NULL;

    if (!store_state(host_cluster(host), disk->pool, disk->image, &state,
                     &error)) {
        json_object_set_new(json, "state", json_string("unknown"));
        json_object_set_new(json, "error", json_string(error->message));
        return json;
    }
    json_object_set_new(json, "state",
                        json_string(disk_word(disk, &state, uuid)));
    json_object_set_new(json, "size", json_integer((json_int_t)state.size));
    json_object_set_new(json, "parent",
                        state.parent ? json_string(state.parent) : json_null());
    json_object_set_new(json, "watchers", strings_json(state.watchers));
    set_claim(json, &state);
    store_state_clear(&state);
    return json;
}

/* NULL: not ours. */
static json_t *
domain_json(Host *host, virDomainPtr domain)
{
    char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
    g_autoptr(GError) error = NULL;
    g_autoptr(DomPlan) plan = xml ? request_plan(host, HOST_ASK_NOBODY, xml,
                                                 strlen(xml), false, &error)
                                  : NULL;
    json_t *json;
    json_t *disks;

    if (!xml)
        return NULL; /* it went away while they were listed */
    free(xml);
    if (plan && dom_plan_disks(plan)->len == 0)
        return NULL;
    disks = json_array();
    json = json_pack("{s:s, s:b, s:o}", "name", virDomainGetName(domain),
                     "active", virDomainIsActive(domain) == 1, "disks", disks);
    if (error)
        json_object_set_new(json, "error", json_string(error->message));
    for (guint i = 0; plan && i < dom_plan_disks(plan)->len; i++)
        json_array_append_new(
            disks, disk_json(host, g_ptr_array_index(dom_plan_disks(plan), i),
                             dom_plan_uuid(plan)));
    return json;
}

static json_t *
domains_json(Host *host, virConnectPtr conn, GError **error)
{
    virDomainPtr *domains = NULL;
    int n = virConnectListAllDomains(conn, &domains, 0);
    json_t *list;

    if (n < 0) {
        virt_fail(error, "cannot list the domains");
        return NULL;
    }
    list = json_array();
    for (int i = 0; i < n; i++) {
        json_t *json = domain_json(host, domains[i]);

        if (json)
            json_array_append_new(list, json);
        (void)virDomainFree(domains[i]);
    }
    free(domains);
    return list;
}

static json_t *
secret_json(virConnectPtr conn, const char *uuid)
{
    g_autoptr(virSecret) secret = virSecretLookupByUUIDString(conn, uuid);

    return json_pack("{s:s, s:b}", "uuid", uuid, "defined", secret != NULL);
}

static void
collect_libvirt(Host *host, json_t *root)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(virConnect) conn = cmd_connect(host, true, &error);
    json_t *cluster = json_array_get(
        json_object_get(json_object_get(root, "agent"), "clusters"), 0);
    const char *uuid = json_string_value(json_object_get(cluster, "secret"));
    json_t *domains;

    if (!conn) {
        json_object_set_new(root, "libvirt_error", json_string(error->message));
        return;
    }
    if (uuid)
        json_object_set_new(root, "secret", secret_json(conn, uuid));
    domains = domains_json(host, conn, &error);
    if (domains)
        json_object_set_new(root, "domains", domains);
    else
        json_object_set_new(root, "libvirt_error", json_string(error->message));
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
collect_trash(Host *host, json_t *root)
{
    const char *pool = host_conf(host)->vms_pool;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) trash =
        store_trash_list(host_cluster(host), pool, TRASH_SHOWN, &error);
    json_t *list;

    if (!trash) {
        json_object_set_new(root, "trash_error", json_string(error->message));
        return;
    }
    list = json_array();
    for (guint i = 0; i < trash->len; i++)
        json_array_append_new(list,
                              trashed_json(g_ptr_array_index(trash, i), pool));
    json_object_set_new(root, "trash", list);
}

/* ---- the command ----------------------------------------------------------- */

static const char *
text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "-";
}

static void
print_json(const json_t *root)
{
    char *text = json_dumps(root, JSON_INDENT(2));

    puts(text);
    free(text);
}

/* 0 when agent, cluster, secret and libvirt are as they should be. */
static int
health(const json_t *root)
{
    const json_t *agent = json_object_get(root, "agent");
    const json_t *cluster =
        json_array_get(json_object_get(agent, "clusters"), 0);
    const json_t *secret = json_object_get(root, "secret");

    return json_is_true(json_object_get(agent, "running")) &&
                   !json_object_get(agent, "error") &&
                   strcmp(text_of(cluster, "state"), "up") == 0 &&
                   json_is_true(json_object_get(secret, "defined")) &&
                   !json_object_get(root, "libvirt_error")
               ? 0
               : 1;
}

int
cmd_status(const CmdGlobals *globals, int argc, char **argv)
{
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        {"json", 'j', 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    int status;
    g_auto(GStrv) rest = cmd_parse(
        argc, argv, "status", "",
        "Shows agent, cluster, secret, and the domains that are ours. The\n"
        "status is 1 when one of them is not as it should be.",
        entries, &status);
    json_t *root;

    if (!rest)
        return status;
    if (rest[0])
        return cmd_usage("status", "no argument is taken");
    g_autoptr(Host) host = cmd_host(globals);
    if (!host)
        return 1;
    root = json_pack("{s:o}", "agent", collect_agent(host));
    collect_libvirt(host, root);
    json_object_set_new(root, "recoveries", recoveries_list(RECOVERIES_SHOWN));
    collect_trash(host, root);
    if (json)
        print_json(root);
    else
        status_print(root);
    status = health(root);
    json_decref(root);
    return status;
}
