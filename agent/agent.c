/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/agent.c - what the hook's requests do, whoever carried them here
 */
#include "config.h"

#include "agent/agent.h"

#include "agent/convert.h"
#include "agent/log.h"
#include "agent/process.h"
#include "agent/recoveries.h"
#include "agent/report.h"
#include "agent/reported.h"
#include "agent/request.h"
#include "agent/settle.h"

#include <malloc.h>
#include <string.h>

#define ARRIVALS_DIR HOST_RUN_DIR "/arrivals"
/* How long libvirt is waited for, about one domain. */
#define ASK_MS 5000
/* What dead processes left is looked for so often in vain, for a cluster that
 * answers may fail for ever. */
#define RECLAIM_MAX 6

struct Agent {
    GMutex lock;
    Host *host;
    GHashTable *preparing; /* names of domains that are being prepared */
    Pending *pending;
    Flattens *flattens;
    Virt *virt; /* atomic */
    gint64 since_us;
    GMutex reclaiming;
    /* Of a cluster's name to how many tries are left, under lock; none yet: all. */
    GHashTable *reclaims;
    gint untidy; /* atomic; something was settled since the last trim */
    AgentWake wake;
    gpointer wake_data;
};

void
agent_answer_clear(AgentAnswer *answer)
{
    g_clear_pointer(&answer->message, g_free);
    g_clear_pointer(&answer->output, g_bytes_unref);
    g_clear_pointer(&answer->uuid, g_free);
    g_clear_pointer(&answer->pool, g_free);
    g_clear_pointer(&answer->image, g_free);
}

/* ---- libvirt, for settling ---------------------------------------------------- */

static gboolean
ask_virt(gpointer data, const char *uuid, VirtDomain *ret, GError **error)
{
    Agent *agent = data;

    return virt_ask(g_atomic_pointer_get(&agent->virt), uuid, ASK_MS, ret,
                    error);
}

static gboolean
destroy_by_virt(gpointer data, const char *uuid, GError **error)
{
    Agent *agent = data;

    return virt_ask_destroy(g_atomic_pointer_get(&agent->virt), uuid, ASK_MS,
                            error);
}

static bool
call_is_over(gpointer data,
             const char *uuid,
             const char *pool,
             const char *image)
{
    Agent *agent = data;

    return pending_call_is_over(agent->pending, uuid, pool, image);
}

static bool
settle(const char *uuid, const char *xml, gpointer data)
{
    Agent *agent = data;
    g_autoptr(Host) host = agent_host(agent);
    const SettleVirt virt = {ask_virt, destroy_by_virt, call_is_over, agent,
                             agent->flattens};

    g_atomic_int_set(&agent->untidy, true);
    return settle_domain(host, &virt, uuid, xml);
}

void
agent_wake(Agent *agent)
{
    if (agent->wake)
        agent->wake(agent->wake_data);
}

void
agent_settle_soon(Agent *agent, const char *uuid, const char *xml)
{
    pending_add(agent->pending, uuid, xml);
    agent_wake(agent);
}

static void
on_flatten_waits(gpointer agent)
{
    agent_wake(agent);
}

Agent *
agent_new(Host *host)
{
    Agent *agent = g_new0(Agent, 1);

    g_mutex_init(&agent->lock);
    agent->host = host_ref(host);
    agent->preparing =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    agent->pending = pending_new(settle, agent);
    agent->flattens = flattens_new(on_flatten_waits, agent);
    g_mutex_init(&agent->reclaiming);
    agent->reclaims =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    agent->since_us = g_get_monotonic_time();
    return agent;
}

void
agent_free(Agent *agent)
{
    if (!agent)
        return;
    g_hash_table_unref(agent->preparing);
    pending_free(agent->pending);
    flattens_free(agent->flattens);
    g_hash_table_unref(agent->reclaims);
    g_mutex_clear(&agent->reclaiming);
    host_unref(agent->host);
    g_mutex_clear(&agent->lock);
    g_free(agent);
}

void
agent_set_host(Agent *agent, Host *host)
{
    Host *old;

    g_mutex_lock(&agent->lock);
    old = agent->host;
    agent->host = host_ref(host);
    g_mutex_unlock(&agent->lock);
    host_unref(old);
}

Host *
agent_host(Agent *agent)
{
    Host *host;

    g_mutex_lock(&agent->lock);
    host = host_ref(agent->host);
    g_mutex_unlock(&agent->lock);
    return host;
}

void
agent_end(Agent *agent)
{
    flattens_stop(agent->flattens);
}

Pending *
agent_pending(Agent *agent)
{
    return agent->pending;
}

void
agent_set_virt(Agent *agent, Virt *virt)
{
    g_atomic_pointer_set(&agent->virt, virt);
}

/* The error as the answer. */
static void
refuse(AgentAnswer *answer, const char *name, const GError *error)
{
    const LogAbout about = {.domain = name};

    answer->allow = false;
    answer->message = g_strdup_printf("domain '%s': %s", name, error->message);
    log_warning(&about, "refused: %s", error->message);
}

/* Whether nobody else prepares the domain. libvirt starts a domain once at a
 * time, but a hook can be killed while its request goes on here. */
static bool
prepare_enter(Agent *agent, const char *name)
{
    bool first;

    g_mutex_lock(&agent->lock);
    first = g_hash_table_add(agent->preparing, g_strdup(name));
    g_mutex_unlock(&agent->lock);
    return first;
}

static void
prepare_leave(Agent *agent, const char *name)
{
    g_mutex_lock(&agent->lock);
    g_hash_table_remove(agent->preparing, name);
    g_mutex_unlock(&agent->lock);
}

static void
prepare(Agent *agent,
        Host *host,
        const char *name,
        const char *body,
        gsize len,
        AgentAnswer *answer)
{
    g_auto(RequestReady) ready = {0};
    g_autoptr(GError) error = NULL;
    const RequestHow how = {
        .starts = true,
        .hand = true,
        .patience_ms = request_patience_ms(host),
        .arrivals = ARRIVALS_DIR,
    };

    if (!request_prepare(host, body, len, &how, &ready, &error)) {
        refuse(answer, name, error);
        return;
    }
    answer->allow = true;
    if (ready.claims->len == 0)
        return;
    answer->uuid = g_strdup(ready.uuid);
    request_leave(&ready);
    agent_settle_soon(agent, ready.uuid, NULL);
}

/* Where a cluster that the domain needs is to blame, it is said. true: one is. */
static bool
blame_cluster(Host *host, const char *name, guint32 needs, GError **error)
{
    /* Of several, who knows whether it needs one that is down. */
    if (needs == REQUEST_NEEDS_ANY && host_clusters(host) > 1)
        needs = 0;
    for (guint i = 0; i < host_clusters(host); i++) {
        StoreCluster *store = cluster_store(host_cluster(host, i));

        if ((needs & (guint32)1 << i && !store_cluster_connect(store, error)) ||
            !store_cluster_has_space(store, name, error))
            return true;
    }
    return false;
}

static void
serve_prepare(Agent *agent,
              Host *host,
              const char *name,
              const char *body,
              gsize len,
              AgentAnswer *answer)
{
    g_autoptr(GError) error = NULL;

    if (prepare_enter(agent, name)) {
        prepare(agent, host, name, body, len, answer);
        prepare_leave(agent, name);
        return;
    }
    if (!blame_cluster(host, name, request_needs(host, body, len, false),
                       &error))
        g_set_error(
            &error, REQUEST_ERROR, REQUEST_ERROR_REFUSED,
            "an earlier start of it has not come to an end yet: try again "
            "in a moment");
    refuse(answer, name, error);
}

static void
serve_filter(Host *host,
             enum wire_op op,
             const char *name,
             const char *body,
             gsize len,
             AgentAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *xml = NULL;

    if (!request_filter(host, body, len,
                        op == WIRE_MIGRATE ? ARRIVALS_DIR : NULL, &xml,
                        &error)) {
        refuse(answer, name, error);
        return;
    }
    answer->allow = true;
    if (xml)
        answer->output = g_bytes_new(xml, strlen(xml));
}

static void
serve_status(Agent *agent, Host *host, AgentAnswer *answer)
{
    char *text = report_agent(host, pending_count(agent->pending),
                              agent->flattens, agent->since_us);

    answer->allow = true;
    answer->output = g_bytes_new_take(text, strlen(text));
}

void
agent_serve(Agent *agent,
            Host *host,
            enum wire_op op,
            const char *name,
            const char *body,
            gsize len,
            AgentAnswer *ret_answer)
{
    switch (op) {
    case WIRE_PREPARE:
        serve_prepare(agent, host, name, body, len, ret_answer);
        return;
    case WIRE_MIGRATE:
    case WIRE_RESTORE:
        serve_filter(host, op, name, body, len, ret_answer);
        return;
    case WIRE_STATUS:
        serve_status(agent, host, ret_answer);
        return;
    case WIRE_STARTED:
    case WIRE_STOPPED:
    case WIRE_RELEASE:
        break;
    case WIRE_PROXY_DEFINE:
    case WIRE_PROXY_MOVE:
    case WIRE_PROXY_ATTACH_LIVE:
    case WIRE_PROXY_DEVICE:
    case WIRE_PROXY_UPDATE:
    case WIRE_PROXY_COPY:
    case WIRE_PROXY_MOVE_DISKS:
    case WIRE_PROXY_CALL_ENDED:
        ret_answer->message = g_strdup("the hook's socket is not for that");
        return;
    }
    ret_answer->message =
        g_strdup("this request takes no answer: use the datagram socket");
}

void
agent_undo(Agent *agent, const AgentAnswer *answer)
{
    if (!answer->uuid)
        return;
    if (answer->image)
        pending_call_end(agent->pending, answer->uuid, answer->pool,
                         answer->image);
    agent_settle_soon(agent, answer->uuid, NULL);
}

void
agent_sees(Agent *agent,
           Host *host,
           const char *uuid,
           const char *xml,
           const DomPlan *plan,
           bool active)
{
    if (reported_is_to_be_settled(host, uuid, xml, plan, active))
        agent_settle_soon(agent, uuid, xml);
}

/* One that is too long comes without a definition: its claims are settled when
 * their turn comes. */
void
agent_notice(Agent *agent, const char *name, const char *body, gsize len)
{
    g_autoptr(Host) host = agent_host(agent);
    g_autofree char *xml = g_strndup(body ? body : "", len);
    g_autofree char *uuid = reported_uuid(host, name, xml, len);

    if (!uuid)
        return;
    pending_add(agent->pending, uuid, xml);
    pending_run(agent->pending);
    agent_wake(agent);
}

static void
note_dropped(const GPtrArray *dropped)
{
    for (guint i = 0; i < dropped->len; i++) {
        const StoreRecovery *recovery = g_ptr_array_index(dropped, i);
        const LogAbout about = {.image = recovery->image};

        recoveries_note(&about, recovery->text);
    }
}

/* Every domain that any process of this host noted a claim for. */
static void
settle_noted(Agent *agent, Cluster *cluster)
{
    g_autoptr(GPtrArray) noted =
        store_claims_noted(cluster_store(cluster), NULL);

    for (guint i = 0; i < noted->len; i++) {
        const StoreNoted *one = g_ptr_array_index(noted, i);

        agent_settle_soon(agent, one->owner, NULL);
    }
}

/* Whether this host is not cut off, or not any more. A QEMU of before would
 * write again. */
static bool
let_in(Cluster *cluster)
{
    StoreCluster *store = cluster_store(cluster);
    g_autoptr(GError) error = NULL;

    if (!store_host_is_cut_off(store))
        return true;
    if (!process_no_guest()) {
        log_warning(NULL, "this host is cut off from the cluster, and guests "
                          "of before are left on it: end them, then start "
                          "remorad again");
        return false;
    }
    if (!store_host_let_in(store, &error)) {
        log_warning(NULL, "%s", error->message);
        return false;
    }
    log_warning(NULL, "this host was cut off from the cluster by 'remora "
                      "fence': nothing of before is left on it, and it is "
                      "let in again");
    return true;
}

static bool
may_reclaim_again(Cluster *cluster, const GError *error)
{
    if (g_error_matches(error, STORE_ERROR, STORE_ERROR_FENCED))
        return let_in(cluster);
    if (g_error_matches(error, STORE_ERROR, STORE_ERROR_DOWN))
        return true;
    log_warning(NULL, "%s", error->message);
    return false;
}

/* How many tries are left for a cluster. */
static int
reclaim_tries(Agent *agent, const Cluster *cluster)
{
    gpointer tries;
    bool found;

    g_mutex_lock(&agent->lock);
    found = g_hash_table_lookup_extended(agent->reclaims, cluster_name(cluster),
                                         NULL, &tries);
    g_mutex_unlock(&agent->lock);
    return found ? GPOINTER_TO_INT(tries) : RECLAIM_MAX;
}

static void
set_reclaim_tries(Agent *agent, const Cluster *cluster, int tries)
{
    g_mutex_lock(&agent->lock);
    g_hash_table_replace(agent->reclaims, g_strdup(cluster_name(cluster)),
                         GINT_TO_POINTER(tries));
    g_mutex_unlock(&agent->lock);
}

static void
reclaim_in(Agent *agent, Cluster *cluster)
{
    g_autoptr(GPtrArray) dropped =
        g_ptr_array_new_with_free_func((GDestroyNotify)store_recovery_free);
    g_autoptr(GError) error = NULL;
    int tries = reclaim_tries(agent, cluster);

    if (tries == 0)
        return;
    if (store_claims_reclaim(cluster_store(cluster), dropped, &error))
        tries = 0;
    else if (!may_reclaim_again(cluster, error))
        tries--;
    set_reclaim_tries(agent, cluster, tries);
    note_dropped(dropped);
    if (tries == 0)
        settle_noted(agent, cluster);
}

static void
reclaim(Agent *agent)
{
    g_autoptr(Host) host = agent_host(agent);

    if (!g_mutex_trylock(&agent->reclaiming))
        return;
    for (guint i = 0; i < host_clusters(host); i++)
        reclaim_in(agent, host_cluster(host, i));
    g_mutex_unlock(&agent->reclaiming);
}

void
agent_begin(Agent *agent)
{
    g_autoptr(Host) host = agent_host(agent);

    for (guint i = 0; i < host_clusters(host); i++)
        (void)let_in(host_cluster(host, i));
    reclaim(agent);
}

void
agent_on_work(Agent *agent, AgentWake wake, gpointer data)
{
    agent->wake_data = data;
    agent->wake = wake;
}

bool
agent_wants_look(Agent *agent)
{
    g_autoptr(Host) host = agent_host(agent);

    for (guint i = 0; i < host_clusters(host); i++)
        if (reclaim_tries(agent, host_cluster(host, i)) > 0)
            return true;
    return pending_count(agent->pending) > 0 || convert_waits() ||
           flattens_wait(agent->flattens) || g_atomic_int_get(&agent->untidy);
}

/* What is freed stays in the heaps of the threads that had it, and thousands of
 * disks leave those of librbd's many threads large. */
void
agent_look(Agent *agent)
{
    g_autoptr(Host) host = agent_host(agent);

    convert_again(host);
    flattens_again(agent->flattens);
    /* It waits for nobody, and reclaim() for each cluster. */
    pending_run(agent->pending);
    reclaim(agent);
    pending_run(agent->pending);
    if (pending_count(agent->pending) > 0)
        return;
    if (g_atomic_int_compare_and_exchange(&agent->untidy, true, false))
        (void)malloc_trim(0);
}

bool
agent_is_at_rest(Agent *agent)
{
    return pending_is_at_rest(agent->pending);
}
