/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-agent-server.c - looks and the end, where nothing answers
 *
 * The server is the real one, and so are its sockets; the agent behind it is
 * this file, and hangs as long as a test wants it to.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/serve/serve.h"
#include "agent/serve/server.h"
#include "hooks/wire/socket.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Far more than a look's pause, and more than the end may take. */
#define LOOKS_S 5
#define WAKES   500

/* What the agent of these tests does. */
static struct {
    GMutex lock;
    GCond change;
    bool hangs;   /* what is begun does not end */
    guint inside; /* what has begun and has not ended */
    guint most;   /* looks at once */
    guint looks;  /* that have begun */
    bool served;
    bool answered; /* before the end */
} at;

/* Longer than who ends waits for what nobody waits for. */
static Conf conf = {.hook_deadline_ms = 9000};
static GMainContext *context;
static Server *server;
static Exchange *served;
static char *dir;
static bool is_over;

/* ---- the agent ------------------------------------------------------------- */

static void
hang(void)
{
    at.inside++;
    g_cond_broadcast(&at.change);
    while (at.hangs)
        g_cond_wait(&at.change, &at.lock);
    at.inside--;
    g_cond_broadcast(&at.change);
}

void
agent_look(Agent *agent)
{
    (void)agent;
    g_mutex_lock(&at.lock);
    at.looks++;
    at.most = MAX(at.most, at.inside + 1);
    hang();
    g_mutex_unlock(&at.lock);
}

bool
agent_wants_look(Agent *agent)
{
    (void)agent;
    return true;
}

static AgentWake wake;
static gpointer wake_data;

void
agent_on_work(Agent *agent, AgentWake func, gpointer data)
{
    (void)agent;
    wake = func;
    wake_data = data;
}

bool
agent_is_at_rest(Agent *agent)
{
    bool rests;

    (void)agent;
    g_mutex_lock(&at.lock);
    rests = at.inside == 0;
    g_mutex_unlock(&at.lock);
    return rests;
}

void
agent_notice(Agent *agent, const char *name, const char *body, gsize len)
{
    (void)agent;
    (void)name;
    (void)body;
    (void)len;
}

void
agent_answer_clear(AgentAnswer *answer)
{
    g_clear_pointer(&answer->message, g_free);
}

Host *
agent_host(Agent *agent)
{
    return (Host *)agent;
}

Host *
host_ref(Host *host)
{
    return host;
}

void
host_let_go(Host *host)
{
    (void)host;
}

const Conf *
host_conf(const Host *host)
{
    (void)host;
    return &conf;
}

/* ---- what is served -------------------------------------------------------- */

void
serve_hook(Agent *agent, Host *host, Exchange *exchange)
{
    (void)agent;
    (void)host;
    g_mutex_lock(&at.lock);
    at.served = true;
    served = exchange;
    hang();
    g_mutex_unlock(&at.lock);
    (void)exchange_refuse(exchange, "done");
}

void
serve_proxy(Proxied *proxied, Host *host, Exchange *exchange)
{
    (void)proxied;
    serve_hook(NULL, host, exchange);
}

void
serve_slow(Host *host, Exchange *exchange)
{
    (void)host;
    (void)exchange;
}

void
serve_late(Host *host, Exchange *exchange, bool proxied)
{
    (void)host;
    (void)proxied;
    (void)exchange_refuse(exchange, "late");
}

void
serve_suspect(Host *host, const char *name)
{
    (void)host;
    (void)name;
}

void
serve_hopeless(Host *host, Exchange *exchange, bool proxied)
{
    (void)host;
    (void)exchange;
    (void)proxied;
}

/* ---- the tests ------------------------------------------------------------- */

static int
set_up(void **state)
{
    g_autoptr(GError) error = NULL;

    (void)state;
    memset(&at, 0, sizeof(at));
    g_mutex_init(&at.lock);
    g_cond_init(&at.change);
    is_over = false;
    dir = g_dir_make_tmp("remora-server-XXXXXX", &error);
    assert_non_null(dir);
    context = g_main_context_new();
    server = server_new((Agent *)&conf, NULL, context, dir, &error);
    assert_non_null(server);
    return 0;
}

static void
set_hangs(bool hangs)
{
    g_mutex_lock(&at.lock);
    at.hangs = hangs;
    g_cond_broadcast(&at.change);
    g_mutex_unlock(&at.lock);
}

static int
tear_down(void **state)
{
    static const char *const names[] = {WIRE_HOOK_SOCKET, WIRE_NOTIFY_SOCKET,
                                        WIRE_PROXY_SOCKET};

    (void)state;
    set_hangs(false);
    server_free(server);
    g_main_context_unref(context);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(dir, names[i], NULL);

        (void)g_unlink(path);
    }
    (void)g_rmdir(dir);
    g_clear_pointer(&dir, g_free);
    g_cond_clear(&at.change);
    g_mutex_clear(&at.lock);
    return 0;
}

static gboolean
on_time(gpointer up)
{
    *(bool *)up = true;
    return G_SOURCE_REMOVE;
}

static void
run_for(guint seconds)
{
    g_autoptr(GSource) source = g_timeout_source_new_seconds(seconds);
    bool up = false;

    g_source_set_callback(source, on_time, &up, NULL);
    (void)g_source_attach(source, context);
    while (!up)
        (void)g_main_context_iteration(context, TRUE);
}

static guint
looks(void)
{
    guint n;

    g_mutex_lock(&at.lock);
    n = at.looks;
    g_mutex_unlock(&at.lock);
    return n;
}

static void
wait_for_looks(guint wanted)
{
    while (looks() < wanted)
        run_for(1);
}

/* Whatever happens meanwhile, there is one look, and then another. */
static void
test_one_look(void **state)
{
    (void)state;
    set_hangs(true);
    wait_for_looks(1);
    for (int i = 0; i < WAKES; i++)
        wake(wake_data);
    run_for(LOOKS_S);
    for (int i = 0; i < WAKES; i++)
        wake(wake_data);
    run_for(LOOKS_S);
    assert_int_equal(looks(), 1);
    set_hangs(false);
    wait_for_looks(3);
    assert_int_equal(at.most, 1);
}

static gboolean
on_idle(gpointer unused)
{
    (void)unused;
    is_over = true;
    g_mutex_lock(&at.lock);
    at.answered = !served || exchange_is_over(served);
    g_mutex_unlock(&at.lock);
    return G_SOURCE_REMOVE;
}

static void
end(void)
{
    server_drain(server, on_idle, NULL);
    while (!is_over)
        (void)g_main_context_iteration(context, TRUE);
}

static void
test_end(void **state)
{
    (void)state;
    served = NULL;
    end();
    assert_true(at.answered);
}

/* Nobody waits for a look. */
static void
test_end_while_looking(void **state)
{
    (void)state;
    served = NULL;
    set_hangs(true);
    wait_for_looks(1);
    end();
    assert_int_equal(at.inside, 1);
}

/* Somebody waits for that, and has an answer first; the rest is not waited for. */
static void
test_end_while_serving(void **state)
{
    g_autofree char *path = g_build_filename(dir, WIRE_HOOK_SOCKET, NULL);
    int fd = wire_socket(SOCK_STREAM);
    bool begun = false;

    (void)state;
    served = NULL;
    set_hangs(true);
    assert_int_equal(wire_socket_connect(fd, path), 0);
    while (!begun) {
        (void)g_main_context_iteration(context, FALSE);
        g_usleep(1000);
        g_mutex_lock(&at.lock);
        begun = at.served;
        g_mutex_unlock(&at.lock);
    }
    end();
    assert_true(at.answered);
    assert_true(at.inside > 0);
    (void)close(fd);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_one_look),
        TEST(test_end),
        TEST(test_end_while_looking),
        TEST(test_end_while_serving),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
