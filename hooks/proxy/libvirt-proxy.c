/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/libvirt-proxy.c - a proxy on libvirt's socket
 *
 *     remora-libvirt-proxy [OPTION...]
 *
 * A parent that stays root (server.h) and a relay for each connection,
 * which is its client's user (child.h).
 */
#include "config.h"

#include "hooks/proxy/listen.h"
#include "hooks/proxy/options.h"
#include "hooks/proxy/server.h"
#include "hooks/wire/ready.h"
#include "hooks/wire/socket.h"
#include "hooks/wire/wire.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define EXIT_USAGE 2

/* Descriptors beside one for each client. */
#define OTHER_FDS 32

static int
fail(int status, const struct wire_error *error)
{
    wire_say(NULL, error->line, strlen(error->line));
    return status;
}

/* Each client takes one descriptor of ours. */
static bool
raise_limits(size_t max_clients, struct wire_error *error)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_max >= max_clients + OTHER_FDS)
            return true;
    }
    wire_error_set(error,
                   "%zu clients need %zu descriptors, and %ju are allowed: "
                   "raise LimitNOFILE of the unit, or lower --max-clients",
                   max_clients, max_clients + OTHER_FDS,
                   (uintmax_t)limit.rlim_max);
    return false;
}

static bool
check_root(struct wire_error *error)
{
    if (geteuid() == 0)
        return true;
    wire_error_set(error, "only root can take its clients' identity: start it "
                          "with 'systemctl start remora-libvirt-proxy.socket'");
    return false;
}

static void
ready(void)
{
    wire_ready_notify("READY=1");
}

static int
serve(const struct proxy_options *options, const char *agent_path)
{
    struct proxy_listen listen;
    struct wire_error error;
    struct proxy_server_setup setup = {
        .upstream = options->upstream,
        .agent_path = agent_path,
        .max_clients = options->max_clients,
        .max_per_user = options->max_per_user,
    };
    bool served;

    if (!check_root(&error) || !raise_limits(options->max_clients, &error) ||
        !proxy_listen_open(&listen, options->listen, options->mode,
                           options->group, &error))
        return fail(EXIT_FAILURE, &error);
    setup.listen = listen.fd;
    served = proxy_server_run(&setup, ready, &error);
    proxy_listen_close(&listen);
    return served ? EXIT_SUCCESS : fail(EXIT_FAILURE, &error);
}

int
main(int argc, char **argv)
{
    char agent_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct proxy_options options;
    struct wire_error error;

    (void)signal(SIGPIPE, SIG_IGN);
    if (!proxy_options_read(&options, argc, argv, &error))
        return fail(EXIT_USAGE, &error);
    if (options.help)
        return fputs(proxy_options_help, stdout) < 0 ? EXIT_FAILURE : 0;
    if (options.version)
        return printf("remora-libvirt-proxy %s\n", VERSION) < 0 ? EXIT_FAILURE
                                                                : 0;
    if ((size_t)snprintf(agent_path, sizeof(agent_path), "%s/%s",
                         options.agent_dir,
                         WIRE_PROXY_SOCKET) >= sizeof(agent_path)) {
        wire_error_set(&error, "--agent-dir is too long for a socket in it");
        return fail(EXIT_USAGE, &error);
    }
    return serve(&options, agent_path);
}
