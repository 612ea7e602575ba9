/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/status-domains.c - the domains of remora status, and their disks
 */
#include "config.h"

#include "agent/cli/cmd.h"
#include "agent/cli/json.h"
#include "agent/cli/status.h"
#include "agent/parallel.h"
#include "agent/protect.h"
#include "agent/request.h"

#include <stdlib.h>
#include <string.h>

/* The age is for people: the holder's clock may be another host's. */
void
status_set_claim(json_t *json, const StoreState *state)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;

    if (!state->claim_phase) {
        json_object_set_new(json, "claimed_by", json_null());
        return;
    }
    json_object_set_new(json, "claimed_by", cmd_json_text(state->claim_host));
    json_object_set_new(json, "claimed_for", cmd_json_text(state->claim_owner));
    json_object_set_new(json, "claim_phase", cmd_json_text(state->claim_phase));
    json_object_set_new(json, "claim_client", cmd_json_text(state->claim_addr));
    json_object_set_new(json, "claim_to", cmd_json_text(state->claim_to));
    json_object_set_new(
        json, "claim_age_s",
        json_integer((json_int_t)MAX(now - state->claim_since, 0)));
}

/* One that is asked for; the rest is of the thread that asks. */
typedef struct {
    Host *host;
    const DomDisk *disk; /* of the domain's plan */
    const char *uuid;    /* the domain's */
    bool active;         /* the domain runs here */
    bool known;          /* the state is, as is an error */
    StoreState state;
    bool is_image; /* that others are cloned from, and it writes to it */
    GError *error;
} Disk;

typedef struct {
    virDomainPtr domain;
    bool active;
    DomPlan *plan; /* NULL: error says why */
    GError *error;
    GPtrArray *disks; /* of Disk */
} Domain;

static void
disk_free(gpointer data)
{
    Disk *disk = data;

    store_state_clear(&disk->state);
    g_clear_error(&disk->error);
    g_free(disk);
}

static void
domain_free(gpointer data)
{
    Domain *domain = data;

    g_ptr_array_unref(domain->disks);
    g_clear_pointer(&domain->plan, dom_plan_free);
    g_clear_error(&domain->error);
    (void)virDomainFree(domain->domain);
    g_free(domain);
}

static bool
is_open_here(const Disk *disk, const StoreState *state)
{
    return disk->active && g_strcmp0(state->claim_owner, disk->uuid) == 0;
}

/* A bare disk's: without it there is nothing to read. */
static void
find_snapshot(StoreCluster *store, const DomDisk *disk, StoreState *state)
{
    bool there = true;

    if (disk->kind == DOM_DISK_BARE && disk->snap && state->opens &&
        store_snapshot(store, disk->pool, disk->image, disk->snap, &there,
                       &state->size, NULL))
        state->there = there;
}

static void
ask_state(gpointer item)
{
    Disk *asked = item;
    const DomDisk *disk = asked->disk;
    StoreCluster *store = host_store_of(asked->host, disk);

    if (!asked->known && !store_state_in_turn(store, disk->pool, disk->image,
                                              &asked->state, &asked->error))
        return;
    find_snapshot(store, disk, &asked->state);
    asked->is_image = asked->state.opens && protect_is_image(asked->host, disk);
}

/* ---- many at a time ----------------------------------------------------------- */

/* Of one pool, to known: libvirt says of a guest of this host that it runs, or
 * else its claim may only be what it left. */
static void
survey_pool(const GPtrArray *disks, StoreCluster *store)
{
    const Disk *first = g_ptr_array_index(disks, 0);
    g_autofree const char **images = g_new0(const char *, disks->len);
    g_autofree StoreState *states = g_new0(StoreState, disks->len);
    g_autofree bool *known = g_new0(bool, disks->len);

    for (guint i = 0; i < disks->len; i++)
        images[i] = ((const Disk *)g_ptr_array_index(disks, i))->disk->image;
    if (!store_states(store, first->disk->pool, images, disks->len, states,
                      known, NULL))
        return;
    for (guint i = 0; i < disks->len; i++) {
        Disk *disk = g_ptr_array_index(disks, i);

        disk->known =
            known[i] && (!states[i].held || is_open_here(disk, &states[i]));
        if (disk->known)
            disk->state = states[i];
        else
            store_state_clear(&states[i]);
    }
}

/* Of all clusters: 'cluster pool' -> GPtrArray of Disk, borrowed. */
static GHashTable *
by_pool(const GPtrArray *disks)
{
    GHashTable *pools = g_hash_table_new_full(
        g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);

    for (guint i = 0; i < disks->len; i++) {
        Disk *disk = g_ptr_array_index(disks, i);
        g_autofree char *key =
            g_strconcat(cluster_name(host_cluster_of(disk->host, disk->disk)),
                        " ", disk->disk->pool, NULL);
        GPtrArray *some = g_hash_table_lookup(pools, key);

        if (!some) {
            some = g_ptr_array_new();
            g_hash_table_insert(pools, g_steal_pointer(&key), some);
        }
        g_ptr_array_add(some, disk);
    }
    return pools;
}

static void
survey(const GPtrArray *disks)
{
    g_autoptr(GHashTable) pools = by_pool(disks);
    GHashTableIter iter;
    gpointer some;

    g_hash_table_iter_init(&iter, pools);
    while (g_hash_table_iter_next(&iter, NULL, &some)) {
        const Disk *first = g_ptr_array_index((GPtrArray *)some, 0);

        survey_pool(some, host_store_of(first->host, first->disk));
    }
}

/* Those of which something is open yet are opened, several at a time. */
static void
ask_states(const GPtrArray *disks, bool open_all)
{
    g_autoptr(GPtrArray) rest = g_ptr_array_new();

    if (!open_all)
        survey(disks);
    for (guint i = 0; i < disks->len; i++) {
        Disk *disk = g_ptr_array_index(disks, i);

        if (!disk->known || disk->disk->kind == DOM_DISK_BARE)
            g_ptr_array_add(rest, disk);
    }
    parallel_run(ask_state, rest);
}

static const char *
disk_word(const Disk *asked, const char *uuid)
{
    const DomDisk *disk = asked->disk;
    const StoreState *state = &asked->state;

    if (!disk->in_place)
        return "definition not rewritten";
    if (!state->there)
        return dom_disk_is_made(disk) ? "not made yet" : "missing";
    if (!state->opens)
        return "cannot be opened";
    if (state->owner && !disk->shareable && strcmp(state->owner, uuid) != 0)
        return "another domain's";
    if (asked->is_image)
        return "writes to an image";
    if (state->held || state->crowded ||
        (state->watchers && state->watchers[0]))
        return "in use";
    return dom_disk_is_made(disk) && !state->ready ? "not marked" : "ready";
}

static json_t *
disk_json(const Disk *asked, const char *uuid)
{
    const DomDisk *disk = asked->disk;
    const StoreState *state = &asked->state;
    g_autofree char *image =
        g_strconcat(disk->pool, "/", disk->image, disk->snap ? "@" : NULL,
                    disk->snap, NULL);
    json_t *json =
        json_pack("{s:s, s:s}", "target", disk->target, "image", image);

    if (host_clusters(asked->host) > 1)
        json_object_set_new(
            json, "cluster",
            json_string(cluster_name(host_cluster_of(asked->host, disk))));
    if (asked->error) {
        json_object_set_new(json, "state", json_string("unknown"));
        json_object_set_new(json, "error", json_string(asked->error->message));
        return json;
    }
    json_object_set_new(json, "state", json_string(disk_word(asked, uuid)));
    json_object_set_new(json, "size", json_integer((json_int_t)state->size));
    json_object_set_new(json, "parent", cmd_json_text(state->parent));
    json_object_set_new(json, "watchers",
                        state->watchers ? cmd_json_texts(state->watchers)
                                        : json_null());
    status_set_claim(json, state);
    return json;
}

static json_t *
domain_json(const Domain *domain)
{
    json_t *disks = json_array();
    json_t *json =
        json_pack("{s:s, s:b, s:o}", "name", virDomainGetName(domain->domain),
                  "active", domain->active, "disks", disks);

    if (domain->error)
        json_object_set_new(json, "error", json_string(domain->error->message));
    for (guint i = 0; i < domain->disks->len; i++)
        json_array_append_new(disks,
                              disk_json(g_ptr_array_index(domain->disks, i),
                                        dom_plan_uuid(domain->plan)));
    return json;
}

static bool
is_ours(const Domain *domain)
{
    return domain->error || dom_plan_disks(domain->plan)->len > 0;
}

/* Takes over one of libvirt's. NULL: not ours, or it went away while they were
 * listed. */
static Domain *
domain_new(Host *host, virDomainPtr found)
{
    char *xml = virDomainGetXMLDesc(found, VIR_DOMAIN_XML_INACTIVE);
    Domain *domain = g_new0(Domain, 1);

    domain->domain = found;
    domain->disks = g_ptr_array_new_with_free_func(disk_free);
    if (xml)
        domain->plan = request_plan(host, HOST_ASK_NOBODY, xml, strlen(xml),
                                    false, &domain->error);
    if (!xml || !is_ours(domain))
        g_clear_pointer(&domain, domain_free);
    else
        domain->active = virDomainIsActive(found) == 1;
    free(xml);
    return domain;
}

static void
add_disks(Domain *domain, Host *host, GPtrArray *all)
{
    const GPtrArray *disks = domain->plan ? dom_plan_disks(domain->plan) : NULL;

    for (guint i = 0; disks && i < disks->len; i++) {
        Disk *disk = g_new0(Disk, 1);

        disk->host = host;
        disk->disk = g_ptr_array_index(disks, i);
        disk->uuid = dom_plan_uuid(domain->plan);
        disk->active = domain->active;
        g_ptr_array_add(domain->disks, disk);
        g_ptr_array_add(all, disk);
    }
}

/* A round trip of the cluster's is long beside all that is done here, so many
 * images are asked for at a time. */
json_t *
status_domains(Host *host, virConnectPtr conn, bool open_all, GError **error)
{
    g_autoptr(GPtrArray) ours = g_ptr_array_new_with_free_func(domain_free);
    g_autoptr(GPtrArray) disks = g_ptr_array_new();
    virDomainPtr *domains = NULL;
    int n = virConnectListAllDomains(conn, &domains, 0);
    json_t *list;

    if (n < 0) {
        virt_fail(error, "cannot list the domains");
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        Domain *domain = domain_new(host, domains[i]);

        if (!domain)
            continue;
        add_disks(domain, host, disks);
        g_ptr_array_add(ours, domain);
    }
    free(domains);
    ask_states(disks, open_all);
    list = json_array();
    for (guint i = 0; i < ours->len; i++)
        json_array_append_new(list, domain_json(g_ptr_array_index(ours, i)));
    return list;
}
