/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/options.c - the proxy's command line
 */
#include "config.h"

#include "hooks/proxy/options.h"

#include "hooks/wire/socket.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>

/* What libvirtd's own socket has on Debian, where the group is there. */
#define LIBVIRT_GROUP "libvirt"

const char proxy_options_help[] =
    "Usage:\n"
    "  remora-libvirt-proxy [OPTION...]\n"
    "\n"
    "Relays libvirt's socket, and has remorad rewrite what is defined.\n"
    "\n"
    "Options:\n"
    "  -h, --help                   Show this help\n"
    "  --version                    Show the version\n"
    "  --listen=PATH                The socket for clients\n"
    "  --upstream=PATH              libvirtd's socket\n"
    "  --agent-dir=DIR              Where remorad's proxy.sock is\n"
    "  --mode=OCTAL                 The socket's mode\n"
    "  --group=NAME                 The socket's group\n"
    "  --max-clients=N              Connections at once\n"
    "  --max-clients-per-user=N     Connections at once of one user\n";

enum {
    OPTION_LISTEN = 256,
    OPTION_UPSTREAM,
    OPTION_AGENT_DIR,
    OPTION_MODE,
    OPTION_GROUP,
    OPTION_MAX_CLIENTS,
    OPTION_MAX_PER_USER,
    OPTION_VERSION,
};

static const struct option table[] = {
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"upstream", required_argument, NULL, OPTION_UPSTREAM},
    {"agent-dir", required_argument, NULL, OPTION_AGENT_DIR},
    {"mode", required_argument, NULL, OPTION_MODE},
    {"group", required_argument, NULL, OPTION_GROUP},
    {"max-clients", required_argument, NULL, OPTION_MAX_CLIENTS},
    {"max-clients-per-user", required_argument, NULL, OPTION_MAX_PER_USER},
    {NULL, 0, NULL, 0},
};

/* A whole number from 1 to max, in this base. */
static bool
read_number(const char *text, int base, unsigned long max, unsigned long *ret)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *ret = strtoul(text, &end, base);
    return errno == 0 && *end == '\0' && *ret >= 1 && *ret <= max;
}

static bool
take_count(const char *name,
           const char *value,
           size_t *ret,
           struct wire_error *error)
{
    unsigned long number;

    if (read_number(value, 10, PROXY_CLIENTS_MAX, &number)) {
        *ret = number;
        return true;
    }
    wire_error_set(error, "--%s is '%s', and must be a number from 1 to %u",
                   name, value, PROXY_CLIENTS_MAX);
    return false;
}

static bool
take_mode(const char *value, mode_t *ret, struct wire_error *error)
{
    unsigned long number;

    if (read_number(value, 8, 0777, &number)) {
        *ret = (mode_t)number;
        return true;
    }
    wire_error_set(error,
                   "--mode is '%s', and must be an octal number up to 0777, "
                   "as for chmod(1)",
                   value);
    return false;
}

static bool
take_group(const char *value, gid_t *ret, struct wire_error *error)
{
    const struct group *group = getgrnam(value);

    if (group) {
        *ret = group->gr_gid;
        return true;
    }
    wire_error_set(error,
                   "--group is '%s', and there is no such group: see 'getent "
                   "group'",
                   value);
    return false;
}

static bool
take_path(const char *name,
          const char *value,
          const char **ret,
          struct wire_error *error)
{
    struct sockaddr_un address;

    if (value[0] == '/' && wire_socket_address(&address, value)) {
        *ret = value;
        return true;
    }
    wire_error_set(error,
                   "--%s is '%s', and must be an absolute path of less than "
                   "%zu bytes",
                   name, value, sizeof(address.sun_path));
    return false;
}

static bool
take(struct proxy_options *options, int option, struct wire_error *error)
{
    switch (option) {
    case 'h':
        options->help = true;
        return true;
    case OPTION_VERSION:
        options->version = true;
        return true;
    case OPTION_LISTEN:
        return take_path("listen", optarg, &options->listen, error);
    case OPTION_UPSTREAM:
        return take_path("upstream", optarg, &options->upstream, error);
    case OPTION_AGENT_DIR:
        return take_path("agent-dir", optarg, &options->agent_dir, error);
    case OPTION_MODE:
        return take_mode(optarg, &options->mode, error);
    case OPTION_GROUP:
        return take_group(optarg, &options->group, error);
    case OPTION_MAX_CLIENTS:
        return take_count("max-clients", optarg, &options->max_clients, error);
    case OPTION_MAX_PER_USER:
        return take_count("max-clients-per-user", optarg,
                          &options->max_per_user, error);
    default:
        return false;
    }
}

static bool
read_all(struct proxy_options *options,
         int argc,
         char **argv,
         struct wire_error *error)
{
    int option;

    optind = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "+:h", table, NULL)) != -1) {
        if (option == '?' || option == ':') {
            wire_error_set(error, "%s '%s': see 'remora-libvirt-proxy --help'",
                           option == ':' ? "a value is missing after"
                                         : "there is no option",
                           argv[optind - 1]);
            return false;
        }
        if (!take(options, option, error))
            return false;
    }
    if (optind == argc)
        return true;
    wire_error_set(error,
                   "there is nothing to do with '%s': see "
                   "'remora-libvirt-proxy --help'",
                   argv[optind]);
    return false;
}

bool
proxy_options_read(struct proxy_options *options,
                   int argc,
                   char **argv,
                   struct wire_error *error)
{
    const struct group *group = getgrnam(LIBVIRT_GROUP);

    *options = (struct proxy_options){
        .listen = REMORA_RUNDIR "/libvirt-sock",
        .agent_dir = REMORA_RUNDIR,
        .mode = group ? 0770 : 0700,
        .group = group ? group->gr_gid : (gid_t)-1,
        .max_clients = 5000,
        .max_per_user = 1500,
    };
    if (!read_all(options, argc, argv, error))
        return false;
    if (!options->upstream || strcmp(options->upstream, options->listen) != 0)
        return true;
    wire_error_set(error,
                   "--upstream and --listen are both '%s': clients "
                   "would be relayed in a circle",
                   options->listen);
    return false;
}
