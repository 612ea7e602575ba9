/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/unanswered.c - domains of which libvirt has not answered, for the
 * next agent
 */
#include "config.h"

#include "agent/virt/unanswered.h"

#include "agent/log.h"

#include <glib/gstdio.h>
#include <string.h>

#define TEXT_MAX (VIRT_UNANSWERED_MAX * 64)

GHashTable *
virt_unanswered_parse(const char *text)
{
    GHashTable *uuids =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", VIRT_UNANSWERED_MAX + 1);

    for (guint i = 0; lines[i] && i < VIRT_UNANSWERED_MAX; i++)
        if (g_uuid_string_is_valid(lines[i]))
            g_hash_table_add(uuids, g_ascii_strdown(lines[i], -1));
    return uuids;
}

char *
virt_unanswered_text(GHashTable *uuids)
{
    g_autoptr(GList) sorted =
        g_list_sort(g_hash_table_get_keys(uuids), (GCompareFunc)strcmp);
    GString *text = g_string_new(NULL);
    guint n = 0;

    for (const GList *at = sorted; at && n < VIRT_UNANSWERED_MAX;
         at = at->next, n++)
        g_string_append_printf(text, "%s\n", (const char *)at->data);
    return g_string_free(text, FALSE);
}

char *
virt_unanswered_read(const char *path)
{
    g_autofree char *text = NULL;
    gsize len = 0;

    if (!g_file_get_contents(path, &text, &len, NULL) || len > TEXT_MAX)
        return g_strdup("");
    return g_steal_pointer(&text);
}

void
virt_unanswered_write(const char *path, const char *text)
{
    g_autoptr(GError) error = NULL;

    if (!*text)
        (void)g_unlink(path);
    else if (!g_file_set_contents_full(
                 path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
        log_warning(NULL, "%s", error->message);
}
