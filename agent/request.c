/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/request.c - one request: plan, provision, answer
 */
#include "config.h"

#include "agent/request.h"

#include "agent/arrivals.h"
#include "agent/log.h"
#include "agent/resolve.h"

/* So much is left to make the disks. */
#define MARGIN_MS 5000
/* How long a name is waited for that decides whose a disk is: a name server that
 * is dead costs 5 s before the next one is asked. */
#define NAMES_MS 12000

guint
request_patience_ms(Host *host)
{
    guint deadline = host_conf(host)->hook_deadline_ms;

    return deadline > MARGIN_MS ? deadline - MARGIN_MS : 0;
}

void
request_leave(RequestReady *ready)
{
    g_ptr_array_set_free_func(ready->claims, (GDestroyNotify)store_claim_leave);
    g_ptr_array_set_size(ready->claims, 0);
}

void
request_ready_clear(RequestReady *ready)
{
    g_clear_pointer(&ready->domain, g_free);
    g_clear_pointer(&ready->uuid, g_free);
    g_clear_pointer(&ready->disks, g_ptr_array_unref);
    g_clear_pointer(&ready->claims, g_ptr_array_unref);
}

/* What is planned from: a definition, or a device of the domain uuid. */
typedef struct {
    const char *xml;
    gsize len;
    const char *uuid; /* NULL: it is a definition */
    const char *name;
    bool complete_bare;
    RequestKnown known;
    char **doubt; /* what host_rules_doubt() says of the last plan; or NULL */
} Text;

static void
tell_known(const RequestKnown *known, HostRules *rules)
{
    for (guint i = 0; i < rules->n; i++) {
        DomRules *own = &rules->rules[i];

        own->nova = known->nova;
        if (!known->pools)
            continue;
        own->storage_pools =
            (const DomStoragePool *)(gpointer)known->pools->data;
        own->n_storage_pools = known->pools->len;
    }
}

/* likely: see host_rules(). */
static DomPlan *
plan_with(Host *host,
          HostAsk ask,
          const Text *text,
          const DomPlan *likely,
          bool *ret_sure,
          GError **error)
{
    g_auto(HostRules) rules = {0};
    DomPlan *plan;

    if (!host_rules(host, ask, likely, text->complete_bare, &rules, error))
        return NULL;
    tell_known(&text->known, &rules);
    plan = text->uuid ? dom_plan_new_device_among(text->xml, text->len,
                                                  text->uuid, text->name,
                                                  rules.rules, rules.n, error)
                      : dom_plan_new_among(text->xml, text->len, rules.rules,
                                           rules.n, error);
    *ret_sure = plan && host_rules_sure(&rules, plan);
    if (text->doubt) {
        g_free(*text->doubt);
        *text->doubt = plan && dom_plan_has_foreign(plan)
                           ? g_strdup(host_rules_doubt(&rules))
                           : NULL;
    }
    return plan;
}

static bool
asks_for_nothing(const DomPlan *plan)
{
    return dom_plan_disks(plan)->len == 0;
}

/* Whether it needs a cluster that the other one does not. */
static bool
needs_more(const Host *host, const DomPlan *plan, const DomPlan *other)
{
    for (guint i = 0; i < host_clusters(host); i++)
        if ((host_needs(plan, i) && !host_needs(other, i)) ||
            (host_reads(plan, i) && !host_reads(other, i)))
            return true;
    return false;
}

/* The more is known of clusters, the surer it is in which one a disk is: that one
 * is to be asked, too. */
static DomPlan *
plan_asking(Host *host,
            HostAsk ask,
            const Text *text,
            const DomPlan *likely,
            GError **error)
{
    bool sure;
    g_autoptr(DomPlan) plan = plan_with(host, ask, text, likely, &sure, error);

    if (!plan || !needs_more(host, plan, likely))
        return g_steal_pointer(&plan);
    return plan_with(host, ask, text, plan, &sure, error);
}

/* What another cluster's disks need is not ours to refuse when ours is down. */
static DomPlan *
plan_anew(Host *host,
          HostAsk ask,
          const Text *text,
          const DomPlan *likely,
          GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(DomPlan) plan = plan_asking(host, ask, text, likely, &why);
    bool sure;

    if (plan)
        return g_steal_pointer(&plan);
    if (g_error_matches(why, STORE_ERROR, STORE_ERROR_DOWN))
        plan = plan_with(host, HOST_ASK_CONF, text, likely, &sure, NULL);
    if (plan && asks_for_nothing(plan))
        return g_steal_pointer(&plan);
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

/* The cluster is asked if something may be ours, and if something is not, as far
 * as the monitors are known. */
static DomPlan *
plan_text(Host *host, HostAsk ask, const Text *text, GError **error)
{
    bool sure = false;
    g_autoptr(DomPlan) plan =
        plan_with(host, HOST_ASK_NOBODY, text, NULL, &sure, error);
    bool foreign = plan && dom_plan_has_foreign(plan);

    if (!plan || ask == HOST_ASK_NOBODY || (asks_for_nothing(plan) && !foreign))
        return g_steal_pointer(&plan);
    if (foreign && ask != HOST_ASK_CONF && host_learn_monitors(host))
        sure = false;
    else if (asks_for_nothing(plan))
        sure = true;
    return sure ? g_steal_pointer(&plan)
                : plan_anew(host, ask, text, plan, error);
}

/* Whose a disk is may hang on a name of which nothing has come yet. To take such
 * a disk for another's would be to let a guest write to it without a claim: QEMU
 * waits for the name longer than anybody here. */
static DomPlan *
plan_certain(Host *host, HostAsk ask, const Text *text, GError **error)
{
    g_autofree char *doubt = NULL;
    gint64 until_us =
        g_get_monotonic_time() +
        MIN(NAMES_MS, request_patience_ms(host)) * G_TIME_SPAN_MILLISECOND;
    Text asked = *text;

    asked.doubt = &doubt;
    for (;;) {
        g_autoptr(DomPlan) plan = plan_text(host, ask, &asked, error);
        g_autoptr(GPtrArray) came = NULL;

        if (!plan || !doubt)
            return g_steal_pointer(&plan);
        came = resolve_name(doubt, until_us);
        if (!came || g_get_monotonic_time() >= until_us)
            break;
    }
    g_set_error(
        error, REQUEST_ERROR, REQUEST_ERROR_REFUSED,
        "whose its disk at '%s' is cannot be told, for that name does not "
        "resolve now, and it may be a monitor's: see 'getent ahosts %s', "
        "then try again",
        doubt, doubt);
    return NULL;
}

DomPlan *
request_plan_with(Host *host,
                  HostAsk ask,
                  const RequestKnown *known,
                  const char *xml,
                  gsize len,
                  bool complete_bare,
                  GError **error)
{
    const Text text = {.xml = xml,
                       .len = len,
                       .complete_bare = complete_bare,
                       .known = *known};
    g_autoptr(DomPlan) plan = plan_text(host, ask, &text, error);

    if (plan && (ask == HOST_ASK_NOBODY || ask == HOST_ASK_CONF ||
                 host_find_parents(host, plan, error)))
        return g_steal_pointer(&plan);
    return NULL;
}

DomPlan *
request_plan(Host *host,
             HostAsk ask,
             const char *xml,
             gsize len,
             bool complete_bare,
             GError **error)
{
    const RequestKnown nothing = {0};

    return request_plan_with(host, ask, &nothing, xml, len, complete_bare,
                             error);
}

guint32
request_needs(Host *host, const char *xml, gsize len, bool reads)
{
    g_autoptr(DomPlan) plan =
        request_plan(host, HOST_ASK_NOBODY, xml, len, true, NULL);
    guint32 needs = 0;

    if (!plan || dom_plan_has_foreign(plan))
        return REQUEST_NEEDS_ANY;
    for (guint i = 0; i < host_clusters(host); i++)
        if (host_needs(plan, i) || (reads && host_reads(plan, i)))
            needs |= (guint32)1 << i;
    return needs;
}

guint32
request_awaits(const Host *host, const char *waiter, guint32 needs)
{
    guint32 at_work = 0;
    guint32 away = 0;

    for (guint i = 0; waiter && waiter[0] && i < host_clusters(host); i++) {
        const StoreCluster *store = cluster_store(host_cluster(host, i));

        if (store_cluster_is_at_work(store, waiter))
            at_work |= (guint32)1 << i;
        else if (!store_cluster_is_connected(store))
            away |= needs & (guint32)1 << i;
    }
    return at_work ? at_work | away : needs;
}

DomPlan *
request_plan_device(Host *host,
                    const GArray *pools,
                    const char *xml,
                    gsize len,
                    const char *uuid,
                    const char *name,
                    GError **error)
{
    const Text text = {.xml = xml,
                       .len = len,
                       .uuid = uuid,
                       .name = name,
                       .complete_bare = host_conf(host)->complete_existing,
                       .known = {.pools = pools}};
    g_autoptr(GError) why = NULL;
    DomPlan *plan = plan_certain(host, HOST_ASK_CLUSTER, &text, &why);

    if (plan)
        return plan;
    if (g_error_matches(why, STORE_ERROR, STORE_ERROR_DOWN))
        return plan_certain(host, HOST_ASK_CONF, &text, error);
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

bool
request_is_as_it_stands(Host *host, const DomPlan *plan)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    if (disks->len > 0 &&
        (host_conf(host)->complete_existing || dom_plan_has_metadata(plan)))
        return false;
    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);

        if (disk->kind != DOM_DISK_BARE || !disk->in_place)
            return false;
    }
    return true;
}

/* A definition that asks for a clone but does not name it yet would open the
 * image itself, or nothing at all. */
static gboolean
check_rewritten(const DomPlan *plan, GError **error)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);

        if (disk->in_place)
            continue;
        g_set_error(error, REQUEST_ERROR, REQUEST_ERROR_REFUSED,
                    "disk '%s': the definition does not name its clone yet: "
                    "define what 'remora render' prints for it; remorad does "
                    "the same to what is stored, if it runs ('remora status')",
                    disk->target);
        return FALSE;
    }
    return TRUE;
}

static gboolean
prepare_plan(Host *host,
             const DomPlan *plan,
             const RequestHow *how,
             RequestReady *ready,
             GError **error)
{
    if (!how->before_rewrite && !check_rewritten(plan, error))
        return FALSE;
    return disks_provision(host, plan, how, ready, error);
}

gboolean
request_prepare(Host *host,
                const char *xml,
                gsize len,
                const RequestHow *how,
                RequestReady *ret_ready,
                GError **error)
{
    const Text text = {.xml = xml, .len = len};
    g_autoptr(DomPlan) plan =
        plan_certain(host, HOST_ASK_CLUSTER, &text, error);
    g_auto(RequestReady) ready = {0};
    RequestHow what = *how;

    if (!plan || !host_find_parents(host, plan, error))
        return FALSE;
    what.arriving =
        how->arrivals && arrivals_take(how->arrivals, dom_plan_uuid(plan),
                                       dom_plan_arrival(plan));
    ready.domain = g_strdup(dom_plan_name(plan));
    ready.uuid = g_strdup(dom_plan_uuid(plan));
    ready.disks = disks_list_new();
    ready.claims = disks_claims_new();
    if (!prepare_plan(host, plan, &what, &ready, error))
        return FALSE;
    *ret_ready = ready;
    ready = (RequestReady){0};
    return TRUE;
}

bool
request_has_claim(Host *host, const DomPlan *plan)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);
        g_autoptr(StoreSight) sight =
            disk->writable && disk->image
                ? store_sight_new(host_store_of(host, disk), disk->pool,
                                  disk->image, NULL)
                : NULL;

        if (sight &&
            g_strcmp0(store_sight_owner(sight), dom_plan_uuid(plan)) == 0)
            return true;
    }
    return false;
}

/* Whether one of the disks is open somewhere: then the domain runs there, and
 * may come here alive. Without, 'migrate begin' is of an offline migration. */
static bool
is_open_elsewhere(Host *host, const DomPlan *plan)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);
        g_auto(GStrv) watchers = NULL;

        if (!disk->writable)
            continue;
        watchers = store_watchers(host_store_of(host, disk), disk->pool,
                                  disk->image, NULL);
        if (watchers && watchers[0])
            return true;
    }
    return false;
}

gboolean
request_filter(Host *host,
               const char *xml,
               gsize len,
               const char *arrivals,
               char **ret_xml,
               GError **error)
{
    g_autoptr(DomPlan) plan =
        request_plan(host, HOST_ASK_CLUSTER, xml, len,
                     host_conf(host)->complete_existing, error);
    g_auto(HostSite) site = {0};
    g_autofree char *arrival = NULL;

    *ret_xml = NULL;
    if (!plan)
        return FALSE;
    if (dom_plan_disks(plan)->len == 0)
        return TRUE;
    if (!check_rewritten(plan, error) ||
        !host_site(host, HOST_ASK_CLUSTER, plan, &site, error))
        return FALSE;
    /* A guest's watch is gone for a while after its host was cut off. Taken for
     * a cold start, its arrival would cut it off where it runs. */
    if (arrivals &&
        (is_open_elsewhere(host, plan) || request_has_claim(host, plan))) {
        arrival = arrivals_note(arrivals, dom_plan_uuid(plan), error);
        if (!arrival)
            return FALSE;
    }
    host_site_same_guest(&site, arrival);
    return dom_plan_rewrite(plan, site.sites, ret_xml, error);
}
