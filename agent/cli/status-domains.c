/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/status-domains.c - the domains of remora status, and their disks
 */
#include "config.h"

#include "agent/cli/cmd.h"
#include "agent/cli/status.h"
#include "agent/protect.h"
#include "agent/request.h"

#include <stdlib.h>
#include <string.h>

static const char *
disk_word(Host *host,
          const DomDisk *disk,
          const StoreState *state,
          const char *uuid)
{
    if (!disk->in_place)
        return "definition not rewritten";
    if (!state->there)
        return dom_disk_is_made(disk) ? "not made yet" : "missing";
    if (!state->opens)
        return "cannot be opened";
    if (state->owner && !disk->shareable && strcmp(state->owner, uuid) != 0)
        return "another domain's";
    if (protect_is_image(host, disk))
        return "writes to an image";
    if (state->crowded || (state->watchers && state->watchers[0]))
        return "in use";
    return dom_disk_is_made(disk) && !state->ready ? "not marked" : "ready";
}

static json_t *
strings_json(char *const *strings)
{
    json_t *list = json_array();

    for (gsize i = 0; strings && strings[i]; i++)
        json_array_append_new(list, json_string(strings[i]));
    return list;
}

static json_t *
text_json(const char *text)
{
    return text ? json_string(text) : json_null();
}

/* The age is for people: the holder's clock may be another host's. */
void
status_set_claim(json_t *json, const StoreState *state)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;

    if (!state->claim_phase) {
        json_object_set_new(json, "claimed_by", json_null());
        return;
    }
    json_object_set_new(json, "claimed_by", text_json(state->claim_host));
    json_object_set_new(json, "claimed_for", text_json(state->claim_owner));
    json_object_set_new(json, "claim_phase", text_json(state->claim_phase));
    json_object_set_new(json, "claim_client", text_json(state->claim_addr));
    json_object_set_new(json, "claim_to", text_json(state->claim_to));
    json_object_set_new(
        json, "claim_age_s",
        json_integer((json_int_t)MAX(now - state->claim_since, 0)));
}

/* A bare disk's: without it there is nothing to read. */
static void
find_snapshot(Host *host, const DomDisk *disk, StoreState *state)
{
    bool there = true;

    if (disk->kind == DOM_DISK_BARE && disk->snap && state->opens &&
        store_snapshot(host_store_of(host, disk), disk->pool, disk->image,
                       disk->snap, &there, &state->size, NULL))
        state->there = there;
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

    if (host_clusters(host) > 1)
        json_object_set_new(
            json, "cluster",
            json_string(cluster_name(host_cluster_of(host, disk))));
    if (!store_state(host_store_of(host, disk), disk->pool, disk->image, &state,
                     &error)) {
        json_object_set_new(json, "state", json_string("unknown"));
        json_object_set_new(json, "error", json_string(error->message));
        return json;
    }
    find_snapshot(host, disk, &state);
    json_object_set_new(json, "state",
                        json_string(disk_word(host, disk, &state, uuid)));
    json_object_set_new(json, "size", json_integer((json_int_t)state.size));
    json_object_set_new(json, "parent",
                        state.parent ? json_string(state.parent) : json_null());
    json_object_set_new(json, "watchers", strings_json(state.watchers));
    status_set_claim(json, &state);
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

json_t *
status_domains(Host *host, virConnectPtr conn, GError **error)
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
