/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/cmd.c - what the commands share
 */
#include "config.h"

#include "agent/cli/cmd.h"

#include "agent/files.h"

#include <stdarg.h>
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

struct CmdTable {
    const char *const *headings;
    GPtrArray *rows; /* of char ** */
};

CmdTable *
cmd_table_new(const char *const *headings)
{
    CmdTable *table = g_new0(CmdTable, 1);

    table->headings = headings;
    table->rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    return table;
}

void
cmd_table_add(CmdTable *table, ...)
{
    guint n = g_strv_length((char **)(gpointer)table->headings);
    char **row = g_new0(char *, n + 1);
    va_list args;

    va_start(args, table);
    for (guint i = 0; i < n; i++) {
        const char *text = va_arg(args, const char *);

        row[i] = g_strdup(text && text[0] ? text : "-");
    }
    va_end(args);
    g_ptr_array_add(table->rows, row);
}

static void
print_row(const char *const *row, const glong *widths)
{
    for (guint i = 0; row[i]; i++) {
        glong pad = widths[i] - g_utf8_strlen(row[i], -1);

        printf("%s%*s", row[i], row[i + 1] ? (int)pad + 2 : 0, "");
    }
    putchar('\n');
}

void
cmd_table_print(CmdTable *table)
{
    guint n = g_strv_length((char **)(gpointer)table->headings);
    g_autofree glong *widths = g_new0(glong, n + 1);

    for (guint i = 0; i < n; i++) {
        widths[i] = g_utf8_strlen(table->headings[i], -1);
        for (guint r = 0; r < table->rows->len; r++) {
            char **row = g_ptr_array_index(table->rows, r);

            widths[i] = MAX(widths[i], g_utf8_strlen(row[i], -1));
        }
    }
    if (table->rows->len > 0)
        print_row(table->headings, widths);
    for (guint r = 0; r < table->rows->len; r++)
        print_row(g_ptr_array_index(table->rows, r), widths);
    g_ptr_array_unref(table->rows);
    g_free(table);
}
