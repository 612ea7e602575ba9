/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/agent.c - what the hook's requests do, whoever carried them here
 */
#include "config.h"

#include "agent/agent.h"

#include "agent/arrivals.h"
#include "agent/guests-later.h"
#include "agent/guests.h"
#include "agent/log.h"
#include "agent/report.h"
#include "agent/request.h"
#include "agent/sweep.h"

#include <string.h>

#define ARRIVALS_DIR HOST_RUN_DIR "/arrivals"

struct Agent {
    GMutex lock;
    Host *host;
    GHashTable *preparing; /* names of domains that are being prepared */
    Held *held;
    GuestsLater *later;
    gint64 since_us;
    Sweep *sweep;
    AgentWake wake;
    gpointer wake_data;
};

void
agent_answer_clear(AgentAnswer *answer)
{
    g_clear_pointer(&answer->message, g_free);
    g_clear_pointer(&answer->output, g_bytes_unref);
}

Agent *
agent_new(Host *host)
{
    Agent *agent = g_new0(Agent, 1);

    g_mutex_init(&agent->lock);
    agent->host = host_ref(host);
    agent->preparing =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    agent->held = held_new();
    agent->later = guests_later_new();
    agent->sweep = sweep_new();
    agent->since_us = g_get_monotonic_time();
    return agent;
}

void
agent_free(Agent *agent)
{
    if (!agent)
        return;
    g_hash_table_unref(agent->preparing);
    held_free(agent->held);
    guests_later_free(agent->later);
    sweep_free(agent->sweep);
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

Held *
agent_held(Agent *agent)
{
    return agent->held;
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
    RequestHow how = {.arriving = arrivals_take(ARRIVALS_DIR, name)};

    /* What an earlier start of the domain still holds would stand in the way
     * of this one. */
    (void)held_drop(agent->held, name, NULL, G_MAXINT64);
    if (!request_prepare(host, body, len, &how, &ready, &error)) {
        refuse(answer, name, error);
        return;
    }
    answer->allow = true;
    if (ready.claims->len == 0)
        return;
    request_hand(&ready);
    answer->held = held_add(agent->held, host, name, ready.uuid,
                            g_steal_pointer(&ready.claims));
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
    /* Where the cluster is to blame, say so. */
    if (store_cluster_connect(host_cluster(host), &error) &&
        store_cluster_has_room(host_cluster(host), name, &error))
        g_set_error(
            &error, REQUEST_ERROR, REQUEST_ERROR_REFUSED,
            "an earlier start of it has not come to an end yet: try again "
            "in a moment");
    refuse(answer, name, error);
}

/* Whether one of the disks is open somewhere: then the domain runs there, and
 * may come here alive. Without, 'migrate begin' is of an offline migration,
 * and excuses no watcher. */
static bool
is_open_elsewhere(Host *host, const char *body, gsize len)
{
    g_autoptr(DomPlan) plan =
        request_plan(host, HOST_ASK_NOBODY, body, len, false, NULL);
    const GPtrArray *disks = plan ? dom_plan_disks(plan) : NULL;

    for (guint i = 0; disks && i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);
        g_auto(GStrv) watchers = NULL;

        if (!disk->writable)
            continue;
        watchers =
            store_watchers(host_cluster(host), disk->pool, disk->image, NULL);
        if (watchers && watchers[0])
            return true;
    }
    return false;
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
    g_autofree char *uuid = NULL;
    g_autofree char *xml = NULL;

    if (!request_filter(host, body, len, &xml, &uuid, &error) ||
        (op == WIRE_MIGRATE && uuid && is_open_elsewhere(host, body, len) &&
         !arrivals_note(ARRIVALS_DIR, name, &error))) {
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
    char *text = report_agent(host, held_count(agent->held), agent->since_us);

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
    case WIRE_FRONT_DEFINE:
    case WIRE_FRONT_MOVE:
    case WIRE_FRONT_ATTACH_LIVE:
    case WIRE_FRONT_DEVICE:
    case WIRE_FRONT_UPDATE:
    case WIRE_FRONT_COPY:
    case WIRE_FRONT_LOOK:
        ret_answer->message = g_strdup("the hook's socket is not for that");
        return;
    }
    ret_answer->message =
        g_strdup("this request takes no answer: use the datagram socket");
}

void
agent_undo(Agent *agent, const AgentAnswer *answer)
{
    if (answer->held)
        held_drop_one(agent->held, answer->held);
}

/* A start that --one-shot allowed, or an agent that is no more, left its
 * claims to whoever hears of the outcome. */
static void
drop_strays(Host *host, const DomPlan *plan)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);
        g_autoptr(GError) error = NULL;
        bool dropped;
        const LogAbout about = {.domain = dom_plan_name(plan),
                                .disk = disk->target};

        if (!disk->writable || disk->shareable)
            continue;
        if (!store_claim_drop_dead(host_cluster(host), disk->pool, disk->image,
                                   dom_plan_uuid(plan), &dropped, &error))
            log_warning(&about, "its claim stays: %s", error->message);
        else if (dropped)
            log_info(&about, "gave up the claim of its start, whose process "
                             "has ended");
    }
}

static DomPlan *
plan_notice(Host *host, const char *name, const char *body, gsize len)
{
    const LogAbout about = {.domain = name};
    g_autoptr(GError) error = NULL;
    DomPlan *plan;

    if (len == 0)
        return NULL;
    plan = request_plan(host, HOST_ASK_NOBODY, body, len, false, &error);
    if (!plan)
        log_debug(&about, "cannot read what libvirt reports: %s",
                  error->message);
    return plan;
}

static void
record(Agent *agent,
       Host *host,
       const DomPlan *plan,
       const char *name,
       const char *xml,
       gsize len)
{
    if (guests_record(host, plan))
        return;
    guests_later_add(agent->later, name, xml, len);
    if (agent->wake)
        agent->wake(agent->wake_data);
}

void
agent_runs(Agent *agent, const char *name, const char *xml)
{
    g_autoptr(Host) host = agent_host(agent);
    gsize len = strlen(xml);
    g_autoptr(DomPlan) plan = plan_notice(host, name, xml, len);

    if (plan)
        record(agent, host, plan, name, xml, len);
}

void
agent_notice(Agent *agent,
             enum wire_op op,
             const char *name,
             const char *body,
             gsize len,
             gint64 received_us)
{
    g_autoptr(Host) host = agent_host(agent);
    g_autoptr(DomPlan) plan = plan_notice(host, name, body, len);

    if (op == WIRE_RELEASE)
        (void)arrivals_take(ARRIVALS_DIR, name);
    /* The watch is written down before the claim that covers it goes. */
    if (op == WIRE_STARTED && plan)
        record(agent, host, plan, name, body, len);
    (void)held_drop(agent->held, name, plan ? dom_plan_uuid(plan) : NULL,
                    received_us);
    /* Never a claim of our own: it may be the next start's by now. */
    if (plan)
        drop_strays(host, plan);
    if (op == WIRE_RELEASE && plan)
        guests_forget(host, dom_plan_uuid(plan));
}

void
agent_begin(Agent *agent)
{
    g_autoptr(Host) host = agent_host(agent);

    sweep_run(agent->sweep, host);
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
    return held_count(agent->held) > 0 ||
           guests_later_count(agent->later) > 0 || sweep_is_due(agent->sweep);
}

void
agent_look(Agent *agent)
{
    g_autoptr(Host) host = agent_host(agent);

    held_check(agent->held);
    guests_later_check(agent->later, host);
    sweep_run(agent->sweep, host);
}
