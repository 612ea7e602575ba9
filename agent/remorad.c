/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/remorad.c - the agent of one hypervisor
 *
 * The main loop, on a context of its own (libvirt's event loop has GLib's
 * default one), waits for its sockets and for signals and does nothing
 * that blocks.
 */
#include "config.h"

#include "agent/agent.h"
#include "agent/convert.h"
#include "agent/host-facts.h"
#include "agent/log.h"
#include "agent/one-shot.h"
#include "agent/serve/server.h"
#include "agent/virt/virt.h"
#include "hooks/wire/ready.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Nobody should take a build with fault points for a release. */
#ifdef REMORA_FAULTS
#define FAULT_WORDS " (with fault points: for tests only)"
#else
#define FAULT_WORDS ""
#endif

/* remorad(8), FILES. */
#define UNANSWERED HOST_RUN_DIR "/unanswered"

typedef struct {
    const char *conf_path;
    GMainContext *context;
    GMainLoop *loop;
    Agent *agent;
    Proxied *proxied;
    Server *server;
    Virt *virt;
    bool stopping;
} Daemon;

typedef struct {
    char *conf;
    gboolean check;
    gboolean dump;
    gboolean one_shot;
    gboolean verbose;
    gboolean version;
    char **rest;
} Options;

static int
complain(const GError *error)
{
    fprintf(stderr, "remorad: %s\n", error->message);
    return 1;
}

/* ---- signals --------------------------------------------------------------- */

static gboolean
on_idle(gpointer data)
{
    Daemon *daemon = data;

    g_main_loop_quit(daemon->loop);
    return G_SOURCE_REMOVE;
}

static gboolean
on_stop(gpointer data)
{
    Daemon *daemon = data;

    if (daemon->stopping)
        return G_SOURCE_CONTINUE;
    daemon->stopping = true;
    wire_ready_notify("STOPPING=1");
    log_info(NULL, "stopping");
    server_drain(daemon->server, on_idle, daemon);
    return G_SOURCE_CONTINUE;
}

static gboolean
on_reload(gpointer data)
{
    Daemon *daemon = data;
    g_autoptr(GError) error = NULL;
    Host *host = host_new(daemon->conf_path, NULL, NULL, &error);
    g_autoptr(VirtFacts) facts = NULL;
    Host *old;

    if (!host) {
        log_warning(NULL, "the configuration stays as it was: %s",
                    error->message);
        return G_SOURCE_CONTINUE;
    }
    facts = host_facts_new(host);
    old = agent_host(daemon->agent);
    agent_set_host(daemon->agent, host);
    virt_set_facts(daemon->virt, facts);
    host_let_go(host);
    host_let_go(old);
    log_info(NULL, "configuration read again");
    return G_SOURCE_CONTINUE;
}

static void
on_signal(Daemon *daemon, int number, GSourceFunc func)
{
    g_autoptr(GSource) source = g_unix_signal_source_new(number);

    g_source_set_callback(source, func, daemon, NULL);
    g_source_attach(source, daemon->context);
}

/* ---- the daemon ------------------------------------------------------------ */

/* One agent a host: a second one would take over the first one's sockets. */
static gboolean
lock_run_dir(GError **error)
{
    int fd = -1;

    if (g_mkdir_with_parents(HOST_RUN_DIR, 0755) == 0)
        fd = open(HOST_RUN_DIR "/remorad.lock", O_CREAT | O_RDWR | O_CLOEXEC,
                  0600);
    if (fd < 0) {
        int number = errno;

        g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(number),
                    "cannot write to '%s': %s; run as root", HOST_RUN_DIR,
                    g_strerror(number));
        return FALSE;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return TRUE; /* held until the process ends */
    (void)close(fd);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN,
                "cannot lock '%s/remorad.lock': does another remorad run? "
                "(systemctl status remorad)",
                HOST_RUN_DIR);
    return FALSE;
}

static gpointer
begin(gpointer agent)
{
    agent_begin(agent);
    return NULL;
}

static void
on_seen(gpointer host,
        const char *uuid,
        const char *xml,
        const DomPlan *plan,
        bool active,
        gpointer agent)
{
    agent_sees(agent, host, uuid, xml, plan, active);
}

static void
on_convert_waits(gpointer agent)
{
    agent_wake(agent);
}

/* host is its own, and is given up: with a reload its connection is to go. */
static int
run(Host *host, const char *conf_path)
{
    Daemon daemon = {.conf_path = conf_path};
    g_autoptr(VirtFacts) facts = NULL;
    g_autoptr(GError) error = NULL;

    if (!lock_run_dir(&error))
        return complain(error);
    daemon.context = g_main_context_new();
    daemon.loop = g_main_loop_new(daemon.context, FALSE);
    daemon.agent = agent_new(host);
    convert_serve(on_convert_waits, daemon.agent);
    daemon.proxied = proxied_new(daemon.agent);
    daemon.server = server_new(daemon.agent, daemon.proxied, daemon.context,
                               HOST_RUN_DIR, &error);
    if (!daemon.server)
        return complain(error);
    on_signal(&daemon, SIGTERM, on_stop);
    on_signal(&daemon, SIGINT, on_stop);
    on_signal(&daemon, SIGHUP, on_reload);
    g_thread_unref(g_thread_new("begin", begin, daemon.agent));
    facts = host_facts_new(host);
    daemon.virt = virt_start(facts, UNANSWERED, on_seen, daemon.agent);
    if (!daemon.virt) {
        fprintf(stderr, "remorad: cannot set up libvirt's event loop\n");
        return 1;
    }
    proxied_set_virt(daemon.proxied, daemon.virt);
    agent_set_virt(daemon.agent, daemon.virt);
    g_clear_pointer(&facts, virt_facts_unref);
    host_let_go(host);
    log_info(NULL, "remorad %s is ready%s", VERSION, FAULT_WORDS);
    wire_ready_notify("READY=1");
    g_main_loop_run(daemon.loop);
    agent_end(daemon.agent);
    log_info(NULL, "stopped");
    /* Threads of libvirt and librados may be anywhere, and claims must stay
     * as they are: the kernel tidies up. */
    (void)fflush(NULL);
    _exit(0);
}

/* ---- the command line ------------------------------------------------------ */

static int
check_conf(const char *path, bool dump)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Conf) conf = host_read_conf(path, &error);
    g_autofree char *text = NULL;

    if (!conf)
        return complain(error);
    if (!dump)
        return 0;
    text = conf_dump(conf);
    return fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? 0 : 1;
}

static gboolean
parse(int *argc, char ***argv, Options *options, GError **error)
{
    const GOptionEntry entries[] = {
        {"config", 'c', 0, G_OPTION_ARG_FILENAME, &options->conf,
         "Read FILE instead of " REMORA_CONF, "FILE"},
        {"check-config", 0, 0, G_OPTION_ARG_NONE, &options->check,
         "Say what is wrong with the configuration, and exit", NULL},
        {"dump-config", 0, 0, G_OPTION_ARG_NONE, &options->dump,
         "Print the whole configuration, defaults included, and exit", NULL},
        {"one-shot", 0, 0, G_OPTION_ARG_NONE, &options->one_shot,
         "Serve one request of the hook, with the domain's XML on standard "
         "input: OPERATION DOMAIN",
         NULL},
        {"verbose", 'v', 0, G_OPTION_ARG_NONE, &options->verbose, "Log more",
         NULL},
        {"version", 'V', 0, G_OPTION_ARG_NONE, &options->version,
         "Print the version, and exit", NULL},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->rest,
         NULL, "[OPERATION DOMAIN]"},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_set_summary(
        context, "The agent that gives libvirt domains their disks from Ceph; "
                 "see remorad(8).");
    g_option_context_add_main_entries(context, entries, NULL);
    return g_option_context_parse(context, argc, argv, error);
}

static int
start(const Options *options)
{
    g_autoptr(GError) error = NULL;
    Host *host = NULL;
    guint n = options->rest ? g_strv_length(options->rest) : 0;

    if (options->version) {
        printf("remorad %s%s\n", VERSION, FAULT_WORDS);
        return 0;
    }
    if (n != (options->one_shot ? 2 : 0)) {
        fprintf(stderr, "remorad: wrong number of arguments; see 'remorad "
                        "--help'\n");
        return 2;
    }
    if (options->check || options->dump)
        return check_conf(options->conf, options->dump);
    log_init("remorad", options->verbose);
    host = host_new(options->conf, NULL, NULL, &error);
    if (!host)
        return complain(error);
    if (options->one_shot)
        return one_shot(host, options->rest[0], options->rest[1]);
    return run(host, options->conf);
}

int
main(int argc, char **argv)
{
    Options options = {0};
    g_autoptr(GError) error = NULL;
    int status;

    (void)setlocale(LC_ALL, "");
    /* libvirt's client library writes to a daemon that has just gone. */
    (void)signal(SIGPIPE, SIG_IGN);
    if (!parse(&argc, &argv, &options, &error)) {
        fprintf(stderr, "remorad: %s; see 'remorad --help'\n", error->message);
        return 2;
    }
    status = start(&options);
    g_free(options.conf);
    g_strfreev(options.rest);
    return status;
}
