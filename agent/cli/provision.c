/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/provision.c - remora provision: disks ready before the start
 */
#include "config.h"

#include "agent/cli/cmd.h"
#include "agent/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static GString *
domain_xml(const Host *host, const char *name, GError **error)
{
    g_autoptr(virConnect) conn = cmd_connect(host, true, error);
    g_autoptr(virDomain) domain = NULL;
    GString *text;
    char *xml;

    if (!conn) {
        g_prefix_error(error, "there is no file of that name, and: ");
        return NULL;
    }
    domain = virDomainLookupByName(conn, name);
    if (!domain)
        domain = virDomainLookupByUUIDString(conn, name);
    xml = domain ? virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE) : NULL;
    if (!xml) {
        virt_fail(error, "there is no file and no domain of that name");
        return NULL;
    }
    text = g_string_new(xml);
    free(xml);
    return text;
}

/* A file where there is one of that name, else a domain. */
static GString *
find_xml(const Host *host, const char *name, GError **error)
{
    if (strcmp(name, "-") == 0 || strchr(name, '/') ||
        g_file_test(name, G_FILE_TEST_EXISTS))
        return cmd_read_xml(name, error);
    return domain_xml(host, name, error);
}

/* A clone is named by its domain's UUID; with a random one it would belong to
 * nobody. */
static gboolean
check_uuid(Host *host, const GString *xml, GError **error)
{
    g_autoptr(DomPlan) plan =
        request_plan(host, HOST_ASK_NOBODY, xml->str, xml->len, false, error);

    if (!plan)
        return FALSE;
    if (dom_plan_uuid_given(plan) || dom_plan_disks(plan)->len == 0)
        return TRUE;
    g_set_error(error, REQUEST_ERROR, REQUEST_ERROR_REFUSED,
                "the definition has no <uuid>, after which its disks are "
                "named: add one (uuidgen), or define the domain first");
    return FALSE;
}

static const char *
done_word(const RequestDisk *disk)
{
    switch (disk->outcome) {
    case STORE_BUILT:
        return disk->cloned ? "cloned" : "made";
    case STORE_READY:
        return "was ready";
    case STORE_GROWN:
        return "grown";
    }
    g_return_val_if_reached("");
}

static void
print_ready(const RequestReady *ready)
{
    static const char *const headings[] = {"TARGET", "IMAGE", "SIZE", "DONE",
                                           NULL};
    CmdTable *table = cmd_table_new(headings);

    for (guint i = 0; i < ready->disks->len; i++) {
        const RequestDisk *disk = g_ptr_array_index(ready->disks, i);
        g_autofree char *size = cmd_size(disk->size);

        cmd_table_add(table, disk->target, disk->image, size, done_word(disk));
    }
    cmd_table_print(table);
    if (ready->disks->len == 0)
        puts("This definition asks for nothing.");
}

static gboolean
provision(Host *host, const char *name, GError **error)
{
    const RequestHow how = {.before_rewrite = true};
    g_autoptr(GString) xml = find_xml(host, name, error);
    g_auto(RequestReady) ready = {0};

    if (!xml || !check_uuid(host, xml, error) ||
        !request_prepare(host, xml->str, xml->len, &how, &ready, error))
        return FALSE;
    print_ready(&ready);
    return TRUE;
}

static int
run(const CmdGlobals *globals, char **rest)
{
    g_autoptr(GError) error = NULL;

    if (g_strv_length(rest) != 1)
        return cmd_usage("provision", "one file or domain is needed");
    g_autoptr(Host) host = cmd_host(globals);
    if (!host)
        return 1;
    if (!provision(host, rest[0], &error))
        return cmd_fail(rest[0], error);
    return 0;
}

const CmdVerb cmd_provision = {
    .name = "provision",
    .arguments = "FILE|DOMAIN",
    .summary = "Makes a domain's disks ready, as its start would",
    .run = run,
};
