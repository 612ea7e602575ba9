/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/agent.c - what the hook's requests do, whoever carried them here
 */
#include "config.h"

#include "agent/agent.h"

#include "agent/arrivals.h"
#include "agent/guests.h"
#include "agent/held.h"
#include "agent/log.h"
#include "agent/report.h"
#include "agent/request.h"

#include <string.h>

/* A claim that was handed over for a start which is still under way when the
 * agent is replaced is left alone for so long. */
#define SWEEP_AGE_S 60

struct Agent {
    GMutex lock;
    Host *host;
    Held *held;
    Arrivals *arrivals;
    gint64 since_us;
};

void
agent_answer_clear(AgentAnswer *answer)
{
    g_clear_pointer(&answer->message, g_free);
    g_clear_pointer(&answer->output, g_bytes_unref);
    g_clear_pointer(&answer->uuid, g_free);
}

Agent *
agent_new(Host *host)
{
    Agent *agent = g_new0(Agent, 1);

    g_mutex_init(&agent->lock);
    agent->host = host_ref(host);
    agent->held = held_new();
    agent->arrivals = arrivals_new();
    agent->since_us = g_get_monotonic_time();
    return agent;
}

void
agent_free(Agent *agent)
{
    if (!agent)
        return;
    held_free(agent->held);
    arrivals_free(agent->arrivals);
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

/* The error as the answer. */
static void
refuse(AgentAnswer *answer, const char *name, const GError *error)
{
    const LogAbout about = {.domain = name};

    answer->allow = false;
    answer->message = g_strdup_printf("domain '%s': %s", name, error->message);
    log_warning(&about, "refused: %s", error->message);
}

static void
serve_prepare(Agent *agent,
              Host *host,
              const char *name,
              const char *body,
              gsize len,
              AgentAnswer *answer)
{
    g_auto(RequestReady) ready = {0};
    g_autoptr(GError) error = NULL;
    RequestHow how = {.arriving = arrivals_take(agent->arrivals, name)};

    /* What an earlier start of the domain still holds would stand in the way
     * of this one; libvirt starts a domain once at a time. */
    (void)held_drop(agent->held, name, NULL, G_MAXINT64);
    if (!request_prepare(host, body, len, &how, &ready, &error)) {
        refuse(answer, name, error);
        return;
    }
    answer->allow = true;
    if (ready.claims->len == 0)
        return;
    request_hand(&ready);
    answer->uuid = g_strdup(ready.uuid);
    held_add(agent->held, host, name, ready.uuid,
             g_steal_pointer(&ready.claims));
}

static void
serve_filter(Agent *agent,
             Host *host,
             enum wire_op op,
             const char *name,
             const char *body,
             gsize len,
             AgentAnswer *answer)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *uuid = NULL;
    char *xml = NULL;

    if (!request_filter(host, body, len, &xml, &uuid, &error)) {
        refuse(answer, name, error);
        return;
    }
    answer->allow = true;
    if (xml)
        answer->output = g_bytes_new_take(xml, strlen(xml));
    if (op == WIRE_MIGRATE && uuid)
        arrivals_note(agent->arrivals, name);
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
            enum wire_op op,
            const char *name,
            const char *body,
            gsize len,
            AgentAnswer *ret_answer)
{
    g_autoptr(Host) host = agent_host(agent);

    switch (op) {
    case WIRE_PREPARE:
        serve_prepare(agent, host, name, body, len, ret_answer);
        return;
    case WIRE_MIGRATE:
    case WIRE_RESTORE:
        serve_filter(agent, host, op, name, body, len, ret_answer);
        return;
    case WIRE_STATUS:
        serve_status(agent, host, ret_answer);
        return;
    case WIRE_STARTED:
    case WIRE_STOPPED:
    case WIRE_RELEASE:
        break;
    }
    ret_answer->message =
        g_strdup("this request takes no answer: use the datagram socket");
}

void
agent_undo(Agent *agent, const AgentAnswer *answer)
{
    if (answer->uuid)
        (void)held_drop(agent->held, NULL, answer->uuid, G_MAXINT64);
}

typedef gboolean (*DropFunc)(StoreCluster *cluster,
                             const char *pool,
                             const char *image,
                             const char *owner,
                             GError **error);

/* A start that --one-shot allowed, or an agent that is no more, left its
 * claims to whoever hears of the outcome. */
static void
drop_strays(Host *host, const DomPlan *plan, DropFunc drop)
{
    const GPtrArray *disks = dom_plan_disks(plan);

    for (guint i = 0; i < disks->len; i++) {
        const DomDisk *disk = g_ptr_array_index(disks, i);
        g_autoptr(GError) error = NULL;
        const LogAbout about = {.domain = dom_plan_name(plan),
                                .disk = disk->target};

        if (!disk->writable || disk->shareable)
            continue;
        if (!drop(host_cluster(host), disk->pool, disk->image,
                  dom_plan_uuid(plan), &error))
            log_warning(&about, "its claim stays: %s", error->message);
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
        (void)arrivals_take(agent->arrivals, name);
    /* The watch is written down before the claim that covers it goes. */
    if (op == WIRE_STARTED && plan)
        guests_record(host, plan);
    if (held_drop(agent->held, name, plan ? dom_plan_uuid(plan) : NULL,
                  received_us) > 0 ||
        !plan)
        return;
    if (op == WIRE_STARTED)
        drop_strays(host, plan, store_claim_drop_for);
    /* The next start may be under way by now. */
    if (op == WIRE_RELEASE)
        drop_strays(host, plan, store_claim_drop_dead);
}

void
agent_begin(Agent *agent)
{
    g_autoptr(Host) host = agent_host(agent);
    g_autoptr(GError) error = NULL;
    guint dropped = 0;

    if (!store_claims_sweep(host_cluster(host), SWEEP_AGE_S, &dropped, &error))
        log_warning(NULL, "%s", error->message);
    else if (dropped > 0)
        log_info(NULL, "gave up %u claims of an agent that ended", dropped);
}

bool
agent_wants_look(Agent *agent)
{
    return held_count(agent->held) > 0;
}

void
agent_look(Agent *agent)
{
    held_check(agent->held);
}
