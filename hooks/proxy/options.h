/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooks/proxy/options.h - the proxy's command line
 */
#ifndef REMORA_HOOKS_PROXY_OPTIONS_H
#define REMORA_HOOKS_PROXY_OPTIONS_H

#include "hooks/wire/say.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PROXY_CLIENTS_MAX 100000u

struct proxy_options {
    bool help;
    bool version;
    const char *listen;
    const char *upstream; /* NULL: libvirt's own choice */
    const char *agent_dir;
    mode_t mode;
    gid_t group; /* -1: as it comes */
    size_t max_clients;
    size_t max_per_user;
};

/* Strings are those of argv, or constant. false: *error says what is wrong.
 * Looks up groups. */
bool proxy_options_read(struct proxy_options *options,
                        int argc,
                        char **argv,
                        struct wire_error *error);

extern const char proxy_options_help[];

#endif
