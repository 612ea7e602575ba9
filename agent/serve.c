/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/serve.c - one connection, from its request to its answer
 */
#include "config.h"

#include "agent/serve.h"

#include "agent/log.h"

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
serve_client(Front *front, Host *host, guint uid, Exchange *exchange)
{
    g_auto(AgentAnswer) answer = {0};
    ExchangeRequest read;
    FrontRequest request = {.uid = uid};

    if (!exchange_read(exchange, READ_TIMEOUT_MS, &read)) {
        (void)exchange_refuse(exchange, "the request cannot be read: is this "
                                        "proxy of the same version as "
                                        "remorad?");
        return;
    }
    request.op = read.op;
    request.name = read.name;
    request.body = read.body;
    request.len = read.len;
    request.received_us = g_get_monotonic_time();
    front_serve(front, host, &request, &answer);
    if (!exchange_answer(exchange, &answer))
        front_undo(front, &answer);
}

void
serve_front(Front *front, Host *host, Exchange *exchange)
{
    g_auto(AgentAnswer) full = {0};
    struct wire_client client;

    if (!exchange_read_client(exchange, READ_TIMEOUT_MS, &client)) {
        (void)exchange_refuse(exchange, "nobody says for whom this is: is "
                                        "this proxy of the same version as "
                                        "remorad?");
        return;
    }
    if (!front_enter(front, client.uid, &full)) {
        ExchangeRequest unread;

        (void)exchange_read(exchange, DRAIN_TIMEOUT_MS, &unread);
        (void)exchange_answer(exchange, &full);
        return;
    }
    serve_client(front, host, client.uid, exchange);
    front_leave(front, client.uid);
}

void
serve_slow(Host *host, Exchange *exchange)
{
    g_autofree char *name = exchange_domain(exchange);
    const LogAbout about = {.domain = name};
    g_autoptr(GError) error = NULL;
    g_autofree char *message = NULL;

    if (!name || !name[0] ||
        store_cluster_has_room(host_cluster(host), name, &error))
        return;
    message = g_strdup_printf("domain '%s': %s", name, error->message);
    if (exchange_refuse(exchange, message))
        log_warning(&about, "refused: %s", error->message);
}

static char *
late_message(const char *name, const char *cluster, bool front)
{
    if (!name)
        return g_strdup_printf("the agent (remorad) did not come to this "
                               "request in time: see its log and cluster '%s' "
                               "('ceph -s'), then try again",
                               cluster);
    return g_strdup_printf("%s%s%scluster '%s' did not finish in time: check "
                           "it with 'ceph -s', then %s",
                           name[0] ? "domain '" : "", name,
                           name[0] ? "': " : "", cluster,
                           front ? "try again" : "start the domain again");
}

/* The name in a request that the cluster may be to blame for: it has been read,
 * and is for a domain. What a proxy asks always is, with or without a name. */
static char *
blaming_name(Exchange *exchange, bool front)
{
    g_autofree char *name = exchange_domain(exchange);

    return name && (front || name[0]) ? g_steal_pointer(&name) : NULL;
}

void
serve_late(Host *host, Exchange *exchange, bool front)
{
    StoreCluster *cluster = host_cluster(host);
    g_autofree char *name = blaming_name(exchange, front);
    g_autofree char *message =
        late_message(name, store_cluster_name(cluster), front);
    const LogAbout about = {.domain = name && name[0] ? name : NULL};

    if (!exchange_refuse(exchange, message))
        return;
    log_warning(&about, "refused: %s", message);
    if (name)
        store_cluster_suspect(cluster);
}
