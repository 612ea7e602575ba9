/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/cli/show.c - what 'image show' and 'volume show' say alike
 */
#include "config.h"

#include "agent/cli/show.h"

#include "agent/cli/cmd.h"
#include "agent/cli/json.h"

#include <stdio.h>

char *
cmd_show_time(gint64 seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(seconds);

    return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup("-");
}

void
cmd_show_list(const char *label, char *const *texts)
{
    if (!texts || !texts[0])
        return;
    g_autofree char *text = g_strjoinv(", ", (char **)texts);
    g_autofree char *safe = g_strescape(text, NULL);
    printf("%-10s %s\n", label, safe);
}

void
cmd_show_clones(const GPtrArray *children)
{
    static const char *const headings[] = {"CLONE", "FORMAT", "WHERE", NULL};
    CmdTable *table = cmd_table_new(headings);

    for (guint i = 0; i < children->len; i++) {
        const StoreChild *child = g_ptr_array_index(children, i);
        g_autofree char *name =
            g_strconcat(child->pool ? child->pool : "?", "/", child->space,
                        child->space[0] ? "/" : "",
                        child->image ? child->image : child->id, NULL);

        cmd_table_add(table, name, child->format == 1 ? "1" : "2",
                      child->trash   ? "trash"
                      : child->image ? "pool"
                                     : "not seen");
    }
    cmd_table_print(table);
}

json_t *
cmd_show_clones_json(const GPtrArray *children)
{
    json_t *list = json_array();

    for (guint i = 0; i < children->len; i++) {
        const StoreChild *child = g_ptr_array_index(children, i);

        json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:o, s:b, s:i}", "pool",
                            cmd_json_text(child->pool), "namespace",
                            cmd_json_text(child->space), "image",
                            cmd_json_text(child->image), "id",
                            cmd_json_text(child->id), "trashed", child->trash,
                            "clone_format", (int)child->format));
    }
    return list;
}

void
cmd_show_removed(const char *pool,
                 const char *name,
                 StoreRemoved removed,
                 bool json)
{
    bool trashed = removed == STORE_REMOVED_TO_TRASH;

    if (json)
        printf("{\"trashed\": %s}\n", trashed ? "true" : "false");
    else if (trashed)
        printf("%s/%s: moved to the trash (rbd trash ls %s)\n", pool, name,
               pool);
    else
        printf("%s/%s: removed\n", pool, name);
}
