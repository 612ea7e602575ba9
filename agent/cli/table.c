/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/table.c - a table on standard output, by libsmartcols
 */
#include "config.h"

#include "agent/cli/table.h"

#include <libsmartcols.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct CmdTable {
    struct libscols_table *table;
    bool json;
};

/* Library and GLib do the same when memory runs out. */
static void
must(int r)
{
    if (r != 0)
        g_error("a table cannot be made: %s", g_strerror(-r));
}

static CmdTable *
table_new(const char *name, bool json)
{
    CmdTable *table = g_new0(CmdTable, 1);

    table->table = scols_new_table();
    table->json = json;
    must(table->table ? 0 : -1);
    must(scols_table_enable_json(table->table, json));
    must(scols_table_set_name(table->table, name));
    must(scols_table_set_column_separator(table->table, "  "));
    /* A line that is too long for a terminal is the terminal's to break: what is
     * copied from it must be whole. */
    must(scols_table_set_termforce(table->table, SCOLS_TERMFORCE_NEVER));
    if (!json && isatty(STDOUT_FILENO) == 1)
        must(scols_table_enable_colors(table->table, 1));
    return table;
}

static void
add_column(CmdTable *table, const char *heading, CmdKind kind)
{
    static const int types[] = {
        [CMD_TEXT] = SCOLS_JSON_STRING,
        [CMD_NUMBER] = SCOLS_JSON_NUMBER,
        [CMD_FLAG] = SCOLS_JSON_BOOLEAN,
    };
    g_autofree char *key = g_ascii_strdown(heading, -1);
    struct libscols_column *column;

    column = scols_table_new_column(
        table->table, table->json ? g_strdelimit(key, " ", '_') : heading, 0,
        0);
    must(column ? 0 : -1);
    must(scols_column_set_json_type(column, types[kind]));
    must(scols_cell_set_color(scols_column_get_header(column), "bold"));
}

CmdTable *
cmd_table_new(const char *const *headings)
{
    CmdTable *table = table_new("rows", false);

    for (gsize i = 0; headings[i]; i++)
        add_column(table, headings[i], CMD_TEXT);
    return table;
}

CmdTable *
cmd_table_new_typed(const CmdColumn *columns, const char *name, bool json)
{
    CmdTable *table = table_new(name, json);

    for (; columns->heading; columns++)
        add_column(table, columns->heading, columns->kind);
    return table;
}

CmdTable *
cmd_table_new_of_clusters(const CmdColumn *columns,
                          const char *name,
                          bool json,
                          bool several)
{
    CmdTable *table = cmd_table_new_typed(columns, name, json);

    if (several)
        add_column(table, "CLUSTER", CMD_TEXT);
    return table;
}

static struct libscols_line *
add_line(CmdTable *table, struct libscols_line *above, va_list args)
{
    struct libscols_line *line = scols_table_new_line(table->table, above);
    size_t n = scols_table_get_ncols(table->table);

    must(line ? 0 : -1);
    for (size_t i = 0; i < n; i++) {
        const char *text = va_arg(args, const char *);

        if (text && text[0])
            must(scols_line_set_data(line, i, text));
        else if (!table->json)
            must(scols_line_set_data(line, i, "-"));
    }
    return line;
}

void
cmd_table_add(CmdTable *table, ...)
{
    va_list args;

    va_start(args, table);
    (void)add_line(table, NULL, args);
    va_end(args);
}

void
cmd_table_is_tree(CmdTable *table)
{
    struct libscols_column *first = scols_table_get_column(table->table, 0);

    must(scols_column_set_flags(first, SCOLS_FL_TREE));
}

gpointer
cmd_table_add_below(CmdTable *table, gpointer above, ...)
{
    struct libscols_line *line;
    va_list args;

    va_start(args, above);
    line = add_line(table, above, args);
    va_end(args);
    return line;
}

void
cmd_table_print(CmdTable *table)
{
    if (table->json || !scols_table_is_empty(table->table))
        must(scols_print_table(table->table));
    cmd_table_free(table);
}

void
cmd_table_free(CmdTable *table)
{
    scols_unref_table(table->table);
    g_free(table);
}
