/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tests/unit/test-agent-late.c - who is named when a request's time is up
 *
 * Host, exchange and what is said are the real ones; of two clusters none is
 * there, and the agent behind it is this file, which never answers.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/rbd/conn/work.h"
#include "agent/serve/serve.h"
#include "hooks/wire/io.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NAME    "web"
#define WAIT_MS 10000

static char *dir;
static Host *host;
static char *logged; /* the last line */

/* ---- the log --------------------------------------------------------------- */

static GLogWriterOutput
keep_line(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    (void)level;
    (void)data;
    for (gsize i = 0; i < n; i++)
        if (strcmp(fields[i].key, "MESSAGE") == 0) {
            g_free(logged);
            logged = g_strdup(fields[i].value);
        }
    return G_LOG_WRITER_HANDLED;
}

/* ---- the agent ------------------------------------------------------------- */

void
agent_answer_clear(AgentAnswer *answer)
{
    g_clear_pointer(&answer->message, g_free);
}

void
agent_serve(Agent *agent,
            Host *by,
            enum wire_op op,
            const char *name,
            const char *body,
            gsize len,
            AgentAnswer *ret_answer)
{
    (void)agent;
    (void)by;
    (void)op;
    (void)name;
    (void)body;
    (void)len;
    (void)ret_answer;
}

void
agent_undo(Agent *agent, const AgentAnswer *answer)
{
    (void)agent;
    (void)answer;
}

bool
proxied_enter(Proxied *proxied, guint uid, AgentAnswer *ret_answer)
{
    (void)proxied;
    (void)uid;
    (void)ret_answer;
    return true;
}

void
proxied_leave(Proxied *proxied, guint uid)
{
    (void)proxied;
    (void)uid;
}

void
proxied_serve(Proxied *proxied,
              Host *by,
              const ProxiedRequest *request,
              AgentAnswer *ret_answer)
{
    (void)proxied;
    (void)by;
    (void)request;
    (void)ret_answer;
}

void
proxied_undo(Proxied *proxied, const AgentAnswer *answer)
{
    (void)proxied;
    (void)answer;
}

/* ---- one request ----------------------------------------------------------- */

typedef struct {
    Exchange *exchange;
    int peer;
} Late;

static char *
definition(const char *first, const char *second)
{
    static const char head[] =
        "<domain type='kvm'><name>" NAME "</name>"
        "<uuid>982b8eac-6bcc-4a21-bd04-b67e26188be0</uuid><devices>";
    static const char tail[] = "</devices></domain>";
    static const char disk[] =
        "<disk type='network' device='disk'>"
        "<driver name='qemu' type='raw'/><source protocol='rbd' name='%s'/>"
        "<target dev='%s' bus='virtio'/></disk>";
    GString *xml = g_string_new(head);

    g_string_append_printf(xml, disk, first, "vda");
    if (second)
        g_string_append_printf(xml, disk, second, "vdb");
    g_string_append(xml, tail);
    return g_string_free(xml, FALSE);
}

static void
late_begin(Late *late, enum wire_op op, const char *xml)
{
    int64_t end = wire_clock_ms() + WAIT_MS;
    struct wire_request request;
    ExchangeRequest read;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    late->exchange = exchange_new(fds[0]);
    late->peer = fds[1];
    wire_request_init(&request, op, strlen(NAME), strlen(xml));
    assert_int_equal(wire_write(late->peer, &request, sizeof(request), end),
                     WIRE_IO_DONE);
    assert_int_equal(wire_write(late->peer, NAME, strlen(NAME), end),
                     WIRE_IO_DONE);
    assert_int_equal(wire_write(late->peer, xml, strlen(xml), end),
                     WIRE_IO_DONE);
    assert_true(exchange_read(late->exchange, WAIT_MS, &read));
}

/* What the peer is told. */
static char *
late_end(Late *late)
{
    int64_t end = wire_clock_ms() + WAIT_MS;
    struct wire_answer answer;
    char *message;

    serve_late(host, late->exchange, false);
    assert_int_equal(wire_read(late->peer, &answer, sizeof(answer), end),
                     WIRE_IO_DONE);
    assert_int_equal(answer.verdict, WIRE_REFUSE);
    message = g_malloc0(answer.message_len + 1);
    assert_int_equal(wire_read(late->peer, message, answer.message_len, end),
                     WIRE_IO_DONE);
    exchange_unref(late->exchange);
    (void)close(late->peer);
    return message;
}

static void
assert_begins(const char *text, const char *wanted)
{
    if (!g_str_has_prefix(text ? text : "", wanted))
        fail_msg("'%s' is not what begins with '%s'", text, wanted);
}

/* cluster: as it is named, or as they are. The log's line names the domain as all
 * others do, once. */
static void
assert_names(Late *late, const char *cluster)
{
    g_autofree char *message = late_end(late);
    g_autofree char *why =
        g_strdup_printf("cluster '%s' did not finish in time:", cluster);
    g_autofree char *told = g_strconcat("domain '" NAME "': ", why, NULL);
    g_autofree char *line =
        g_strconcat("domain '" NAME "': refused: ", why, NULL);

    assert_begins(message, told);
    assert_begins(logged, line);
}

/* ---- the tests ------------------------------------------------------------- */

static void
test_its_own(void **state)
{
    static const struct {
        enum wire_op op;
        const char *first;
        const char *second;
        const char *named;
    } cases[] = {
        {WIRE_PREPARE, "vols/x", NULL, "ceph"},
        {WIRE_PREPARE, "farvols/x", NULL, "far"},
        {WIRE_MIGRATE, "farvols/x", NULL, "far"},
        {WIRE_PREPARE, "farvols/x", "vols/x", "ceph' or 'far"},
        /* no disk says whom it waits for */
        {WIRE_PREPARE, "others/x", NULL, "ceph' or 'far"},
    };

    (void)state;
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *xml = definition(cases[i].first, cases[i].second);
        Late late;

        late_begin(&late, cases[i].op, xml);
        serve_slow(host, late.exchange);
        assert_names(&late, cases[i].named);
    }
}

/* Of two that it needs, one is at work. The other has not made its disk ready:
 * there is no connection to it. */
static void
test_who_answered(void **state)
{
    g_autofree char *both = definition("farvols/x", "vols/x");
    g_autofree char *one = definition("farvols/x", NULL);
    StoreCluster *far = cluster_store(host_cluster(host, 1));
    StoreWork work = {.target = {.pool = "farvols", .image = "x"},
                      .owner = "982b8eac-6bcc-4a21-bd04-b67e26188be0",
                      .waiter = NAME};
    Late late;

    (void)state;
    store_work_begin(far, &work);
    late_begin(&late, WIRE_PREPARE, both);
    serve_slow(host, late.exchange);
    assert_names(&late, "ceph' or 'far");
    late_begin(&late, WIRE_PREPARE, one);
    serve_slow(host, late.exchange);
    assert_names(&late, "far");
    store_work_end(far, &work);
}

/* Nobody had the time to look at what it needs. */
static void
test_unlooked(void **state)
{
    g_autofree char *xml = definition("farvols/x", NULL);
    Late late;

    (void)state;
    late_begin(&late, WIRE_PREPARE, xml);
    assert_names(&late, "ceph' or 'far");
}

/* ---- the host -------------------------------------------------------------- */

static char *
write_file(const char *name, const char *text)
{
    char *path = g_build_filename(dir, name, NULL);

    assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

static int
set_up(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *near_path = NULL;
    g_autofree char *far_path = NULL;
    g_autofree char *text = NULL;
    g_autofree char *path = NULL;

    (void)state;
    dir = g_dir_make_tmp("remora-late-XXXXXX", NULL);
    assert_non_null(dir);
    g_log_set_writer_func(keep_line, NULL, NULL);
    near_path = write_file("ceph.conf", "[global]\nmon_host = 127.0.0.1:1\n");
    far_path = write_file("far.conf", "[global]\nmon_host = 127.0.0.1:2\n");
    text = g_strdup_printf(
        "clusters = (\n"
        "  { conf = \"%s\"; pools = { volumes = [ \"vols\" ]; }; },\n"
        "  { name = \"far\"; conf = \"%s\"; pools = { images = [ \"farimages\" ];\n"
        "    vms = \"farvms\"; volumes = [ \"farvols\" ]; }; }\n"
        ");\n",
        near_path, far_path);
    path = write_file("remora.conf", text);
    host = host_new(path, NULL, NULL, &error);
    if (!host)
        fail_msg("%s", error->message);
    return 0;
}

static int
tear_down(void **state)
{
    static const char *const names[] = {"ceph.conf", "far.conf", "remora.conf"};

    (void)state;
    host_unref(host);
    g_clear_pointer(&logged, g_free);
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(dir, names[i], NULL);

        (void)g_unlink(path);
    }
    (void)g_rmdir(dir);
    g_clear_pointer(&dir, g_free);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_own),
        cmocka_unit_test(test_who_answered),
        cmocka_unit_test(test_unlooked),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
