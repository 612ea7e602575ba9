/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/table.h - a table on standard output, for people or as JSON
 *
 * By libsmartcols, so that what comes from outside cannot move the cursor, wide
 * characters do not shift columns, and all tools of a host look alike.
 */
#ifndef REMORA_AGENT_CLI_TABLE_H
#define REMORA_AGENT_CLI_TABLE_H

#include <glib.h>
#include <stdbool.h>

/* What a column holds; only JSON tells them apart. */
typedef enum {
    CMD_TEXT,
    CMD_NUMBER,
    CMD_FLAG, /* "0" or "1" in JSON, whatever word the table shows */
} CmdKind;

typedef struct {
    const char *heading; /* JSON's key, in small letters, with '_' for ' ' */
    CmdKind kind;
} CmdColumn;

typedef struct CmdTable CmdTable;

/* Column headings, NULL-terminated. */
CmdTable *cmd_table_new(const char *const *headings);
/* For --json, too. columns are ended by one without a heading; name is the key
 * that has the array of lines. */
CmdTable *
cmd_table_new_typed(const CmdColumn *columns, const char *name, bool json);
/* The same for lines of several clusters: a last column names the line's, if there
 * are several. */
CmdTable *cmd_table_new_of_clusters(const CmdColumn *columns,
                                    const char *name,
                                    bool json,
                                    bool several);
/* A string for each column, NULL for "-", in JSON null. What is given beyond the
 * last column is not shown. */
void cmd_table_add(CmdTable *table, ...);
/* The first column is a tree's, by cmd_table_add_below(), which gives the new line
 * for those below that; above NULL: it is a root. In JSON each line has those
 * below it as its children. */
void cmd_table_is_tree(CmdTable *table);
gpointer cmd_table_add_below(CmdTable *table, gpointer above, ...);
/* Prints and frees it; without rows, nothing but JSON's empty array. */
void cmd_table_print(CmdTable *table);
/* Frees it without a word. */
void cmd_table_free(CmdTable *table);

#endif
