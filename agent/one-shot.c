/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/one-shot.c - one request without an agent
 */
#include "config.h"

#include "agent/one-shot.h"

#include "agent/agent.h"
#include "agent/files.h"
#include "agent/log.h"
#include "agent/request.h"
#include "agent/settle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A cluster that works answers in some 20 ms. */
#define TRY_MS 500
/* What takes longer may be waiting for space. */
#define SLOW_MS 1500

typedef struct {
    Host *host;
    const char *domain;
    guint deadline_ms;
    gint needs; /* atomic; the clusters, a bit each */
} Limit;

static void
refuse_for_space(const Limit *limit)
{
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < host_clusters(limit->host); i++) {
        if (store_cluster_has_space(cluster_store(host_cluster(limit->host, i)),
                                    limit->domain, &error))
            continue;
        fprintf(stderr, "remora: domain '%s': %s\n", limit->domain,
                error->message);
        _exit(1);
    }
}

/* Of several it may have been another that did not answer: the next one only asks
 * first, and refuses nobody whose cluster answers. */
static void
note_down(const Host *host, guint32 awaited)
{
    for (guint i = 0; i < host_clusters(host); i++)
        if (awaited & (guint32)1 << i)
            store_cluster_note_down(cluster_store(host_cluster(host, i)));
}

/* A call into a cluster that hangs cannot be called back: the process ends
 * instead, and its claims with it. */
static gpointer
watch_the_clock(gpointer data)
{
    Limit *limit = data;
    g_autofree char *names = NULL;
    guint32 awaited;
    guint first_ms = MIN(limit->deadline_ms, SLOW_MS);

    g_usleep((gulong)first_ms * 1000);
    refuse_for_space(limit);
    g_usleep((gulong)(limit->deadline_ms - first_ms) * 1000);
    awaited = request_awaits(limit->host, limit->domain,
                             (guint)g_atomic_int_get(&limit->needs));
    note_down(limit->host, awaited);
    names = host_cluster_names(limit->host, awaited);
    fprintf(stderr,
            "remora: domain '%s': cluster '%s' did not finish within %u s: "
            "check it with 'ceph -s', then start the domain again\n",
            limit->domain, names, (limit->deadline_ms + 999) / 1000);
    _exit(1);
}

static bool
op_of(const char *operation, enum wire_op *ret_op)
{
    static const struct {
        const char *word;
        enum wire_op op;
    } words[] = {
        {"prepare", WIRE_PREPARE}, {"migrate", WIRE_MIGRATE},
        {"restore", WIRE_RESTORE}, {"started", WIRE_STARTED},
        {"stopped", WIRE_STOPPED}, {"release", WIRE_RELEASE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(words[i].word, operation) != 0)
            continue;
        *ret_op = words[i].op;
        return true;
    }
    return false;
}

/* ---- after a start, and after an end --------------------------------------------- */

/* How often it is looked, a second apart, what became of the domain: it arrives,
 * or libvirt is still at it. */
#define SETTLE_TRIES       60
#define SETTLE_DEADLINE_MS 90000

static gboolean
read_virt(gpointer conn, const char *uuid, VirtDomain *ret, GError **error)
{
    return virt_read_domain(conn, uuid, ret, error);
}

static gboolean
destroy_virt(gpointer conn, const char *uuid, GError **error)
{
    return virt_destroy_domain(conn, uuid, error);
}

/* Who asked for an attach through the proxy had an agent: it is told. */
static bool
knows_no_call(gpointer conn,
              const char *uuid,
              const char *pool,
              const char *image)
{
    (void)conn;
    (void)uuid;
    (void)pool;
    (void)image;
    return false;
}

/* libvirt runs 'release' after each 'stopped'. */
static int
settle(Host *host, enum wire_op op, const GString *xml)
{
    g_autoptr(DomPlan) plan =
        request_plan(host, HOST_ASK_NOBODY, xml->str, xml->len, false, NULL);
    g_autofree char *uri = host_libvirt_uri(host);
    g_autoptr(virConnect) conn = NULL;
    SettleVirt virt = {read_virt, destroy_virt, knows_no_call, NULL, NULL};

    if (op == WIRE_STOPPED || !plan || dom_plan_disks(plan)->len == 0)
        return 0;
    virt_quiet();
    for (int i = 0; i < SETTLE_TRIES; i++) {
        if (!conn)
            conn = virConnectOpen(uri);
        virt.data = conn;
        if (conn && settle_domain(host, &virt, dom_plan_uuid(plan), xml->str))
            return 0;
        g_usleep(G_USEC_PER_SEC);
    }
    return 1;
}

static bool
is_report(enum wire_op op)
{
    return op == WIRE_STARTED || op == WIRE_STOPPED || op == WIRE_RELEASE;
}

/* ---- a question ------------------------------------------------------------------- */

static bool
print_output(const AgentAnswer *answer)
{
    gsize len;
    const char *text;

    if (!answer->output)
        return true;
    text = g_bytes_get_data(answer->output, &len);
    return fwrite(text, 1, len, stdout) == len && fflush(stdout) == 0;
}

/* What an agent remembers from one request to the next is noted here, that a
 * cluster is down. A note that is believed is not made young again by it. */
static void
ask(Limit *limit, enum wire_op op, const GString *xml, AgentAnswer *answer)
{
    Host *host = limit->host;
    guint32 needs = request_needs(host, xml->str, xml->len, false);
    guint32 reads = request_needs(host, xml->str, xml->len, true);
    guint32 recalled = 0;
    guint seconds;

    if (reads)
        g_atomic_int_set(&limit->needs, (gint)reads);
    for (guint i = 0; i < host_clusters(host); i++)
        if (needs & (guint32)1 << i &&
            store_cluster_recall_down(cluster_store(host_cluster(host, i)),
                                      TRY_MS))
            recalled |= (guint32)1 << i;
    agent_serve(agent_new(host), host, op, limit->domain, xml->str, xml->len,
                answer);
    for (guint i = 0; i < host_clusters(host); i++) {
        StoreCluster *store = cluster_store(host_cluster(host, i));

        if (!(recalled & (guint32)1 << i) &&
            store_cluster_is_down(store, &seconds))
            store_cluster_note_down(store);
    }
}

static int
serve(Limit *limit, enum wire_op op, const GString *xml)
{
    g_auto(AgentAnswer) answer = {0};

    ask(limit, op, xml, &answer);
    if (!answer.allow) {
        fprintf(stderr, "remora: %s\n", answer.message);
        return 1;
    }
    if (!print_output(&answer)) {
        fprintf(stderr, "remora: cannot write the new definition\n");
        return 1;
    }
    return 0;
}

int
one_shot(Host *host, const char *operation, const char *domain)
{
    static Limit limit;
    enum wire_op op;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) xml = NULL;
    int status;

    if (!op_of(operation, &op)) {
        fprintf(stderr,
                "remora: --one-shot takes prepare, migrate, restore, started, "
                "stopped or release, not '%s'\n",
                operation);
        return 1;
    }
    log_spare_stderr();
    limit = (Limit){host, domain,
                    is_report(op) ? SETTLE_DEADLINE_MS
                                  : host_conf(host)->hook_deadline_ms,
                    (gint)REQUEST_NEEDS_ANY};
    g_thread_unref(g_thread_new("clock", watch_the_clock, &limit));
    xml = files_read("-", WIRE_BODY_MAX, &error);
    if (!xml) {
        fprintf(stderr, "remora: domain '%s': %s\n", domain, error->message);
        return 1;
    }
    status = is_report(op) ? settle(host, op, xml) : serve(&limit, op, xml);
    /* Without the destructors of librados, whose threads still run. */
    (void)fflush(NULL);
    _exit(status);
}
