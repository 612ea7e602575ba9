/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/cmd.c - what the commands share
 */
#include "config.h"

#include "agent/cli/cmd.h"

#include "agent/files.h"

#include <stdio.h>
#include <string.h>

int
cmd_fail(const char *prefix, const GError *error)
{
    fprintf(stderr, "remora: %s%s%s\n", prefix ? prefix : "",
            prefix ? ": " : "", error->message);
    return 1;
}

int
cmd_usage(const char *command, const char *message)
{
    fprintf(stderr, "remora: %s; see 'remora %s --help'\n", message, command);
    return 2;
}

Host *
cmd_host(const CmdGlobals *globals)
{
    g_autoptr(GError) error = NULL;
    Host *host =
        host_new(globals->conf, globals->user, globals->keyring, &error);

    if (!host)
        cmd_fail(NULL, error);
    return host;
}

GString *
cmd_read_xml(const char *path, GError **error)
{
    return files_read(path, DOM_XML_MAX, error);
}

int
cmd_input(const CmdGlobals *globals,
          const char *command,
          char *const *rest,
          CmdInput *ret_input)
{
    g_autoptr(GError) error = NULL;

    if (rest[0] && rest[1])
        return cmd_usage(command, "more than one file");
    ret_input->path = rest[0] ? rest[0] : "-";
    ret_input->xml = cmd_read_xml(ret_input->path, &error);
    if (!ret_input->xml)
        return cmd_fail(NULL, error);
    ret_input->host = cmd_host(globals);
    return ret_input->host ? 0 : 1;
}

void
cmd_input_clear(CmdInput *input)
{
    if (input->xml)
        g_string_free(input->xml, TRUE);
    host_unref(input->host);
}

virConnectPtr
cmd_connect(const Host *host, bool read_only, GError **error)
{
    g_autofree char *uri = host_libvirt_uri(host);
    virConnectPtr conn;

    virt_quiet();
    conn = read_only ? virConnectOpenReadOnly(uri) : virConnectOpen(uri);
    if (!conn)
        virt_fail(error, "cannot connect to libvirt at '%s'", uri);
    return conn;
}

char *
cmd_size(guint64 bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    gsize unit = 0;
    double value = (double)bytes;

    while (value >= 1024 && unit + 1 < G_N_ELEMENTS(units)) {
        value /= 1024;
        unit++;
    }
    return g_strdup_printf("%.*f %s",
                           value < 100 && value != (double)(guint64)value,
                           value, units[unit]);
}
