/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/serve/serve.c - one connection, from its request to its answer
 */
#include "config.h"

#include "agent/serve/serve.h"

#include "agent/log.h"
#include "agent/request.h"

/* Hook and proxy send their request at once; what takes longer is neither. */
#define READ_TIMEOUT_MS 5000
/* For a request that is refused whatever it says: it is only read because who
 * writes into a connection that was closed may not read the answer. */
#define DRAIN_TIMEOUT_MS 200

void
serve_hook(Agent *agent, Host *host, Exchange *exchange)
{
    g_auto(AgentAnswer) answer = {0};
    ExchangeRequest request;

    if (!exchange_read(exchange, READ_TIMEOUT_MS, &request)) {
        (void)exchange_refuse(exchange,
                              "the request cannot be read: is this hook of "
                              "the same version as remorad?");
        return;
    }
    agent_serve(agent, host, request.op, request.name, request.body,
                request.len, &answer);
    if (!exchange_answer(exchange, &answer))
        agent_undo(agent, &answer);
}

static void
serve_request(Proxied *proxied,
              Host *host,
              guint uid,
              const ExchangeRequest *read,
              Exchange *exchange)
{
    const ProxiedRequest request = {
        .uid = uid,
        .op = read->op,
        .name = read->name,
        .body = read->body,
        .len = read->len,
        .received_us = g_get_monotonic_time(),
    };
    g_auto(AgentAnswer) answer = {0};

    proxied_serve(proxied, host, &request, &answer);
    if (!exchange_answer(exchange, &answer))
        proxied_undo(proxied, &answer);
}

static void
refuse_unread(Exchange *exchange)
{
    (void)exchange_refuse(exchange, "the request cannot be read: is this proxy "
                                    "of the same version as remorad?");
}

/* Who has as much under way as one may is told to come again, but not who says
 * that a call has ended: without that a claim stays that nobody needs. */
static void
serve_client(Proxied *proxied, Host *host, guint uid, Exchange *exchange)
{
    g_auto(AgentAnswer) full = {0};
    bool entered = proxied_enter(proxied, uid, &full);
    ExchangeRequest read;

    if (!exchange_read(exchange, entered ? READ_TIMEOUT_MS : DRAIN_TIMEOUT_MS,
                       &read))
        refuse_unread(exchange);
    else if (entered || read.op == WIRE_PROXY_CALL_ENDED)
        serve_request(proxied, host, uid, &read, exchange);
    else
        (void)exchange_answer(exchange, &full);
    if (entered)
        proxied_leave(proxied, uid);
}

void
serve_proxy(Proxied *proxied, Host *host, Exchange *exchange)
{
    struct wire_client client;

    if (exchange_read_client(exchange, READ_TIMEOUT_MS, &client))
        serve_client(proxied, host, client.uid, exchange);
    else
        (void)exchange_refuse(exchange,
                              "nobody says for whom this is: is this proxy of "
                              "the same version as remorad?");
}

static bool
all_have_space(Host *host, const char *name, GError **error)
{
    for (guint i = 0; i < host_clusters(host); i++)
        if (!store_cluster_has_space(cluster_store(host_cluster(host, i)), name,
                                     error))
            return false;
    return true;
}

/* What a proxy asks about may be no more than a device. */
static void
note_needs(Host *host, Exchange *exchange)
{
    ExchangeRequest request;
    guint32 needs;

    if (!exchange_request(exchange, &request) || wire_op_is_proxy(request.op))
        return;
    needs = request_needs(host, request.body, request.len, true);
    if (needs)
        exchange_set_needs(exchange, needs);
}

/* Whether nobody answered before. why: without the domain, which the log's line
 * names, and the answer if told. */
static bool
refuse(Exchange *exchange, const char *name, bool told, const char *why)
{
    const LogAbout about = {.domain = name};
    g_autofree char *message =
        name && told ? g_strdup_printf("domain '%s': %s", name, why)
                     : g_strdup(why);

    if (!exchange_refuse(exchange, message))
        return false;
    log_warning(&about, "refused: %s", why);
    return true;
}

void
serve_slow(Host *host, Exchange *exchange)
{
    g_autofree char *name = exchange_domain(exchange);
    g_autoptr(GError) error = NULL;

    note_needs(host, exchange);
    if (!name || !name[0] || all_have_space(host, name, &error))
        return;
    (void)refuse(exchange, name, true, error->message);
}

static char *
late_reason(bool read, const char *cluster, bool proxied)
{
    if (!read)
        return g_strdup_printf("the agent (remorad) did not come to this "
                               "request in time: see its log and cluster '%s' "
                               "('ceph -s'), then try again",
                               cluster);
    if (proxied)
        return g_strdup_printf("the agent (remorad) did not finish in time: "
                               "check cluster '%s' with 'ceph -s', and "
                               "whether libvirt answers about the domain, "
                               "then try again",
                               cluster);
    return g_strdup_printf("cluster '%s' did not finish in time: check it with "
                           "'ceph -s', then start the domain again",
                           cluster);
}

/* The name in a request that has been read; a proxy's may have none. */
static char *
name_in(Exchange *exchange, bool proxied)
{
    g_autofree char *name = exchange_domain(exchange);

    return name && (proxied || name[0]) ? g_steal_pointer(&name) : NULL;
}

static guint32
awaited(const Host *host, Exchange *exchange)
{
    g_autofree char *name = exchange_domain(exchange);

    return request_awaits(host, name, exchange_needs(exchange));
}

void
serve_suspect(Host *host, const char *name)
{
    for (guint i = 0; i < host_clusters(host); i++)
        store_cluster_suspect(cluster_store(host_cluster(host, i)), name);
}

void
serve_late(Host *host, Exchange *exchange, bool proxied)
{
    g_autofree char *clusters =
        host_cluster_names(host, awaited(host, exchange));
    g_autofree char *name = name_in(exchange, proxied);
    g_autofree char *why = late_reason(name != NULL, clusters, proxied);
    const char *known = name && name[0] ? name : NULL;

    /* Whether the cluster is to blame, or libvirt, or nobody, a probe says. */
    if (refuse(exchange, known, !proxied, why))
        serve_suspect(host, name);
}

void
serve_hopeless(Host *host, Exchange *exchange, bool proxied)
{
    guint32 which = awaited(host, exchange);
    guint seconds;

    for (guint i = 0; i < host_clusters(host); i++)
        if (which & (guint32)1 << i &&
            !store_cluster_is_down(cluster_store(host_cluster(host, i)),
                                   &seconds))
            return;
    if (!exchange_is_over(exchange))
        serve_late(host, exchange, proxied);
}
