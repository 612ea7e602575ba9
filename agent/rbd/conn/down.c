/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/rbd/conn/down.c - for who has no memory: it did not answer just now
 *
 * A process that serves one request cannot remember that the last one waited
 * for the cluster in vain; forty that start one after another, as libvirt's
 * autostart does it, would each wait again. So each that did leaves a note in
 * run_dir, and while that is young the next one gives the cluster less time:
 * it is asked first, and a cluster that works answers well within that. The
 * note refuses nobody; that there is no answer does.
 *
 * The note is the boot clock's time in seconds. On tmpfs it ends with the boot,
 * and after DOWN_S it says nothing any more, so that a cluster which is only
 * slow gets its full time again.
 */
#include "config.h"

#include "agent/rbd/conn/down.h"

#include "agent/rbd/conn/clock.h"
#include "agent/rbd/conn/probe.h"

#include <string.h>
#include <unistd.h>

#define DOWN_S 60

static char *
note_path(const StoreCluster *cluster)
{
    g_autofree char *name =
        g_uri_escape_string(store_cluster_name(cluster), NULL, FALSE);

    return g_strdup_printf("%s/down.%s", store_settings(cluster)->run_dir,
                           name);
}

void
store_cluster_note_down(const StoreCluster *cluster)
{
    g_autofree char *path = note_path(cluster);
    g_autofree char *text =
        g_strdup_printf("%" G_GINT64_FORMAT "\n", store_boot_seconds());

    /* Without it the next one waits, and that is all. */
    (void)g_file_set_contents_full(path, text, -1,
                                   G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
}

/* How old the note is, in seconds; -1: there is none that says anything. */
static gint64
note_age(const char *path)
{
    g_autofree char *text = NULL;
    gint64 now = store_boot_seconds();
    guint64 when;

    if (!g_file_get_contents(path, &text, NULL, NULL) ||
        !g_ascii_string_to_unsigned(g_strchomp(text), 10, 0, (guint64)now,
                                    &when, NULL))
        return -1;
    return now - (gint64)when < DOWN_S ? now - (gint64)when : -1;
}

bool
store_cluster_recall_down(StoreCluster *cluster, guint wait_ms)
{
    g_autofree char *path = note_path(cluster);
    gint64 age = note_age(path);

    if (age >= 0 && !store_cluster_try(cluster, age, wait_ms))
        return true;
    /* It works, or what the note says is over. */
    (void)unlink(path);
    return false;
}
