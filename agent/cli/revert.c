/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/revert.c - remora revert: definitions as they were before remora
 */
#include "config.h"

#include "agent/cli/cmd.h"
#include "agent/virt/define.h"

#include <stdio.h>
#include <stdlib.h>

/* Gives the exit status. */
static int
revert_one(virDomainPtr domain)
{
    const char *name = virDomainGetName(domain);
    g_autoptr(GError) error = NULL;
    g_autofree char *about = g_strdup_printf("domain '%s'", name);
    bool changed = false;

    if (!virt_define_revert(domain, &changed, &error))
        return cmd_fail(about, error);
    if (changed)
        printf("%s: put back\n", about);
    else
        printf("%s: nothing to put back\n", about);
    return 0;
}

static int
revert_all(virConnectPtr conn)
{
    virDomainPtr *domains = NULL;
    g_autoptr(GError) error = NULL;
    int n = virConnectListAllDomains(conn, &domains,
                                     VIR_CONNECT_LIST_DOMAINS_PERSISTENT);
    int status = 0;

    if (n < 0) {
        virt_fail(&error, "cannot list the domains");
        return cmd_fail(NULL, error);
    }
    for (int i = 0; i < n; i++) {
        status |= revert_one(domains[i]);
        (void)virDomainFree(domains[i]);
    }
    free(domains);
    return status;
}

static int
revert_named(virConnectPtr conn, const char *name)
{
    g_autoptr(virDomain) domain = virDomainLookupByName(conn, name);
    g_autoptr(GError) error = NULL;

    if (!domain)
        domain = virDomainLookupByUUIDString(conn, name);
    if (domain)
        return revert_one(domain);
    virt_fail(&error, "no domain '%s'", name);
    return cmd_fail(NULL, error);
}

static gboolean all;

static const GOptionEntry options[] = {
    {"all", 'a', 0, G_OPTION_ARG_NONE, &all, "Every domain of this host", NULL},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static int
run(const CmdGlobals *globals, char **rest)
{
    g_autoptr(GError) error = NULL;

    if (g_strv_length(rest) != (all ? 0 : 1))
        return cmd_usage("revert", "a domain or --all is needed");
    g_autoptr(Host) host = cmd_host(globals);
    if (!host)
        return 1;
    g_autoptr(virConnect) conn = cmd_connect(host, false, &error);
    if (!conn)
        return cmd_fail(NULL, error);
    return all ? revert_all(conn) : revert_named(conn, rest[0]);
}

const CmdVerb cmd_revert = {
    .name = "revert",
    .arguments = "DOMAIN | --all",
    .summary = "Puts definitions back as they were before remora",
    .options = options,
    .run = run,
};
