/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/serve/server.c - the sockets that hook and proxy know
 *
 * Everything here runs in the main loop except run_job() and what it calls,
 * which are the pools'.
 */
#include "config.h"

#include "agent/serve/server.h"

#include "agent/serve/serve.h"
#include "agent/serve/sockets.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

/* Requests that are served at once; more wait their turn, as long as their
 * deadlines allow. */
#define WORKERS_MAX 64
/* And of the proxy, whose clients must not keep a start from its worker. */
#define PROXY_THREADS_MAX 32
/* The agent answers before the hook gives up, so that the hook's reader gets
 * the reason. */
#define MARGIN_MS 500
/* A request that has not come to its end by then is asked about. */
#define SLOW_MS  1500
#define LOOK_S   2
#define PAUSE_US 10000
/* Who ends waits so long for what nobody waits for, which the next agent finds
 * as it is; and looks so often whether that is over. */
#define END_US      (5 * G_USEC_PER_SEC)
#define END_POLL_MS 20

struct Server {
    Agent *agent;
    Proxied *proxied;
    GMainContext *context;
    int hook_fd;
    int notify_fd;
    int proxy_fd;
    GSource *on_hook;
    GSource *on_notify;
    GSource *on_proxy;
    GSource *look;
    bool looking; /* one at a time, however long it takes */
    GThreadPool *pool;
    GThreadPool *proxy_pool;
    GHashTable *exchanges; /* of Job: a set of those that are not over */
    guint notices;         /* that are not over */
    GSourceFunc idle;      /* NULL: it goes on */
    gpointer idle_data;
    GSource *ending;
    gint64 end_us; /* nobody waits longer for what nobody waits for */
};

typedef enum { JOB_HOOK, JOB_PROXY, JOB_SLOW, JOB_NOTICE, JOB_LOOK } JobKind;

typedef struct {
    JobKind kind;
    Server *server;
    Host *host; /* of an exchange, from its beginning to its end */
    Exchange *exchange;
    GSource *slow;
    GSource *deadline;
    char *name;
    char *body;
    gsize len;
} Job;

static void
drop_source(GSource **source)
{
    if (!*source)
        return;
    g_source_destroy(*source);
    g_source_unref(*source);
    *source = NULL;
}

static void
job_free(Job *job)
{
    host_let_go(job->host);
    exchange_unref(job->exchange);
    drop_source(&job->slow);
    drop_source(&job->deadline);
    g_free(job->name);
    g_free(job->body);
    g_free(job);
}

static void
attach(Server *server, GSource *source, GSourceFunc func, gpointer data)
{
    g_source_set_callback(source, func, data, NULL);
    g_source_attach(source, server->context);
}

/* ---- the look every two seconds, only while there is something to do ------- */

/* of: what it belongs to. What the proxy's clients cause is for its workers. */
static void
push_to(Server *server, JobKind of, Job *job)
{
    g_thread_pool_push(of == JOB_PROXY ? server->proxy_pool : server->pool, job,
                       NULL);
}

static void
push(Server *server, Job *job)
{
    push_to(server, job->kind, job);
}

static gboolean
on_look(gpointer data)
{
    Server *server = data;
    Job *job = g_new0(Job, 1);

    drop_source(&server->look);
    server->looking = true;
    job->kind = JOB_LOOK;
    job->server = server;
    push(server, job);
    return G_SOURCE_REMOVE;
}

/* Whatever asks for one while another is under way, one comes after that. */
static void
arrange_look(Server *server)
{
    if (server->look || server->looking || server->idle ||
        !agent_wants_look(server->agent))
        return;
    server->look = g_timeout_source_new_seconds(LOOK_S);
    attach(server, server->look, on_look, server);
}

static gboolean
on_woken(gpointer data)
{
    arrange_look(data);
    return G_SOURCE_REMOVE;
}

/* In any thread. */
static void
wake(gpointer data)
{
    Server *server = data;
    g_autoptr(GSource) soon = g_idle_source_new();

    attach(server, soon, on_woken, server);
}

/* ---- the end --------------------------------------------------------------- */

static bool
all_answered(Server *server)
{
    GHashTableIter iter;
    gpointer job;

    g_hash_table_iter_init(&iter, server->exchanges);
    while (g_hash_table_iter_next(&iter, &job, NULL))
        if (!exchange_is_over(((const Job *)job)->exchange))
            return false;
    return true;
}

/* Whoever waits gets an answer. What else is at work, in a call of libvirt's or
 * the cluster's that cannot be interrupted, gets a moment. */
static bool
may_end(Server *server)
{
    if (g_get_monotonic_time() >= server->end_us)
        return all_answered(server);
    return g_hash_table_size(server->exchanges) == 0 && server->notices == 0 &&
           agent_is_at_rest(server->agent);
}

static void
end_where_hopeless(Server *server)
{
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, server->exchanges);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        const Job *job = key;

        serve_hopeless(job->host, job->exchange, job->kind == JOB_PROXY);
    }
}

static gboolean
on_ending(gpointer data)
{
    Server *server = data;

    end_where_hopeless(server);
    if (!may_end(server))
        return G_SOURCE_CONTINUE;
    drop_source(&server->ending);
    (void)server->idle(server->idle_data);
    return G_SOURCE_REMOVE;
}

/* ---- the pools ------------------------------------------------------------- */

/* Back in the main loop after any job. */
static gboolean
on_job_over(gpointer data)
{
    Job *job = data;
    Server *server = job->server;

    if (job->kind == JOB_LOOK)
        server->looking = false;
    else if (job->kind == JOB_NOTICE)
        server->notices--;
    else
        (void)g_hash_table_remove(server->exchanges, job);
    job_free(job);
    arrange_look(server);
    return G_SOURCE_REMOVE;
}

static void
run_job(gpointer data, gpointer unused)
{
    Job *job = data;
    g_autoptr(GSource) over = g_idle_source_new();

    (void)unused;
    switch (job->kind) {
    case JOB_HOOK:
        serve_hook(job->server->agent, job->host, job->exchange);
        break;
    case JOB_PROXY:
        serve_proxy(job->server->proxied, job->host, job->exchange);
        break;
    case JOB_SLOW:
        serve_slow(job->host, job->exchange);
        break;
    case JOB_NOTICE:
        agent_notice(job->server->agent, job->name, job->body, job->len);
        break;
    case JOB_LOOK:
        agent_look(job->server->agent);
        break;
    }
    g_source_set_priority(over, G_PRIORITY_DEFAULT);
    attach(job->server, over, on_job_over, job);
}

/* ---- the main loop --------------------------------------------------------- */

static gboolean
on_deadline(gpointer data)
{
    Job *job = data;

    serve_late(job->host, job->exchange, job->kind == JOB_PROXY);
    return G_SOURCE_REMOVE;
}

static gboolean
on_slow(gpointer data)
{
    const Job *exchange = data;
    Job *job = g_new0(Job, 1);

    job->kind = JOB_SLOW;
    job->server = exchange->server;
    job->host = host_ref(exchange->host);
    job->exchange = exchange_ref(exchange->exchange);
    push_to(job->server, exchange->kind, job);
    return G_SOURCE_REMOVE;
}

static void
begin_exchange(Server *server, JobKind kind, int fd)
{
    Host *host = agent_host(server->agent);
    guint limit = host_conf(host)->hook_deadline_ms;
    g_autoptr(Exchange) exchange = exchange_new(fd);
    Job *job;

    if (!exchange_greet(exchange, limit)) {
        host_let_go(host);
        return;
    }
    job = g_new0(Job, 1);
    job->kind = kind;
    job->server = server;
    job->host = host;
    job->exchange = g_steal_pointer(&exchange);
    job->slow = g_timeout_source_new(SLOW_MS);
    attach(server, job->slow, on_slow, job);
    job->deadline = g_timeout_source_new(
        limit > 2 * MARGIN_MS ? limit - MARGIN_MS : limit / 2);
    attach(server, job->deadline, on_deadline, job);
    (void)g_hash_table_add(server->exchanges, job);
    push(server, job);
}

static void
accept_all(Server *server, JobKind kind, int fd)
{
    int peer;

    while ((peer = sockets_accept(fd, kind == JOB_PROXY)) >= 0)
        begin_exchange(server, kind, peer);
    /* Out of descriptors, it would be called again at once, and for nothing,
     * until another exchange has ended. */
    if (errno == EMFILE || errno == ENFILE)
        g_usleep(PAUSE_US);
}

static gboolean
on_hook(gint fd, GIOCondition condition, gpointer data)
{
    (void)condition;
    accept_all(data, JOB_HOOK, fd);
    return G_SOURCE_CONTINUE;
}

static gboolean
on_proxy(gint fd, GIOCondition condition, gpointer data)
{
    (void)condition;
    accept_all(data, JOB_PROXY, fd);
    return G_SOURCE_CONTINUE;
}

static gboolean
on_notify(gint fd, GIOCondition condition, gpointer data)
{
    Server *server = data;
    SocketsNotice notice;

    (void)condition;
    while (sockets_receive(fd, &notice)) {
        Job *job = g_new0(Job, 1);

        job->kind = JOB_NOTICE;
        job->server = server;
        job->name = notice.name;
        job->body = notice.body;
        job->len = notice.len;
        server->notices++;
        push(server, job);
    }
    return G_SOURCE_CONTINUE;
}

static GSource *
watch_socket(Server *server, int fd, int priority, GUnixFDSourceFunc func)
{
    GSource *source = g_unix_fd_source_new(fd, G_IO_IN);

    g_source_set_priority(source, priority);
    attach(server, source, G_SOURCE_FUNC(func), server);
    return source;
}

static int
listen_in(const char *dir, const char *name, int type, GError **error)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);

    return sockets_listen(path, type, error);
}

static gboolean
open_sockets(Server *server, const char *dir, GError **error)
{
    server->hook_fd = listen_in(dir, WIRE_HOOK_SOCKET, SOCK_STREAM, error);
    if (server->hook_fd < 0)
        return FALSE;
    server->notify_fd = listen_in(dir, WIRE_NOTIFY_SOCKET, SOCK_DGRAM, error);
    if (server->notify_fd < 0)
        return FALSE;
    server->proxy_fd = listen_in(dir, WIRE_PROXY_SOCKET, SOCK_STREAM, error);
    return server->proxy_fd >= 0;
}

Server *
server_new(Agent *agent,
           Proxied *proxied,
           GMainContext *context,
           const char *dir,
           GError **error)
{
    g_autoptr(Server) server = g_new0(Server, 1);

    server->agent = agent;
    server->proxied = proxied;
    server->context = context;
    server->hook_fd = server->notify_fd = server->proxy_fd = -1;
    server->exchanges = g_hash_table_new(g_direct_hash, g_direct_equal);
    server->pool = g_thread_pool_new(run_job, NULL, WORKERS_MAX, FALSE, NULL);
    server->proxy_pool =
        g_thread_pool_new(run_job, NULL, PROXY_THREADS_MAX, FALSE, NULL);
    if (!open_sockets(server, dir, error))
        return NULL;
    /* What libvirt reported before a start is known before that start. */
    server->on_notify =
        watch_socket(server, server->notify_fd, G_PRIORITY_HIGH, on_notify);
    server->on_hook =
        watch_socket(server, server->hook_fd, G_PRIORITY_DEFAULT, on_hook);
    server->on_proxy =
        watch_socket(server, server->proxy_fd, G_PRIORITY_DEFAULT, on_proxy);
    agent_on_work(agent, wake, server);
    arrange_look(server);
    return g_steal_pointer(&server);
}

static void
close_socket(GSource **source, int *fd)
{
    drop_source(source);
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void
close_sockets(Server *server)
{
    close_socket(&server->on_hook, &server->hook_fd);
    close_socket(&server->on_notify, &server->notify_fd);
    close_socket(&server->on_proxy, &server->proxy_fd);
}

/* Where a cluster does not answer, nobody has to wait for the request's end. */
static void
suspect_all(Server *server)
{
    GHashTableIter iter;
    gpointer job;

    g_hash_table_iter_init(&iter, server->exchanges);
    while (g_hash_table_iter_next(&iter, &job, NULL))
        serve_suspect(((const Job *)job)->host, NULL);
}

void
server_drain(Server *server, GSourceFunc idle, gpointer data)
{
    close_sockets(server);
    drop_source(&server->look);
    server->idle = idle;
    server->idle_data = data;
    server->end_us = g_get_monotonic_time() + END_US;
    if (may_end(server)) {
        (void)idle(data);
        return;
    }
    suspect_all(server);
    server->ending = g_timeout_source_new(END_POLL_MS);
    attach(server, server->ending, on_ending, server);
}

void
server_free(Server *server)
{
    if (!server)
        return;
    close_sockets(server);
    drop_source(&server->ending);
    g_thread_pool_free(server->pool, FALSE, TRUE);
    g_thread_pool_free(server->proxy_pool, FALSE, TRUE);
    /* Each job ends there. */
    while (g_main_context_iteration(server->context, FALSE))
        continue;
    drop_source(&server->look);
    g_hash_table_unref(server->exchanges);
    g_free(server);
}
