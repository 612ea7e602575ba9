/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/guests.c - which watch in the cluster is which QEMU of this host
 *
 * A record has one line for each disk: pid, start time, address, image.
 */
#include "config.h"

#include "agent/guests.h"

#include "agent/log.h"
#include "agent/process.h"

#include <glib/gstdio.h>
#include <string.h>

/* Where libvirt's QEMU driver writes the pid of each guest. */
#define QEMU_PID_DIR "/run/libvirt/qemu"

static char *
record_path(const char *uuid)
{
    return g_build_filename(HOST_RUN_DIR, "guests", uuid, NULL);
}

static gint64
qemu_pid(const DomPlan *plan)
{
    const char *name = dom_plan_name(plan);
    g_autofree char *file = NULL;
    g_autofree char *text = NULL;

    if (!name || strchr(name, '/'))
        return 0;
    file = g_strdup_printf("%s/%s.pid", QEMU_PID_DIR, name);
    if (!g_file_get_contents(file, &text, NULL, NULL))
        return 0;
    return g_ascii_strtoll(text, NULL, 10);
}

/* The line that was written for the same process and disk before, if its watch
 * is there; NULL: none. g_free() it. */
static char *
line_before(const char *record,
            const char *process,
            const char *disk,
            char *const *watchers)
{
    g_auto(GStrv) lines = g_strsplit(record ? record : "", "\n", -1);

    for (gsize i = 0; lines[i]; i++)
        for (gsize j = 0; watchers[j]; j++) {
            g_autofree char *line =
                g_strdup_printf("%s %s %s", process, watchers[j], disk);

            if (strcmp(lines[i], line) == 0)
                return g_steal_pointer(&line);
        }
    return NULL;
}

/* NULL: whose watch is whose cannot be told. */
static char *
line_of(Host *host,
        const DomDisk *disk,
        const char *process,
        const char *record,
        const char *name)
{
    g_auto(GStrv) watchers =
        store_watchers(host_cluster(host), disk->pool, disk->image, NULL);
    char *line;

    if (!watchers)
        return NULL;
    line = line_before(record, process, name, watchers);
    if (line || g_strv_length(watchers) != 1)
        return line;
    return g_strdup_printf("%s %s %s", process, watchers[0], name);
}

/* Appends the disk's line. false: its only watcher is not known yet. */
static bool
add_disk(Host *host,
         const DomDisk *disk,
         const char *process,
         const char *record,
         GString *text)
{
    g_autofree char *name = g_strdup_printf("%s/%s", disk->pool, disk->image);
    g_autofree char *line = NULL;

    if (!disk->writable || disk->shareable)
        return true;
    line = line_of(host, disk, process, record, name);
    if (line)
        g_string_append_printf(text, "%s\n", line);
    return line != NULL;
}

/* false: there is none, or that cannot be told. */
static bool
find_process(const DomPlan *plan, gint64 *ret_pid, guint64 *ret_start)
{
    *ret_pid = qemu_pid(plan);
    *ret_start = 0;
    return *ret_pid > 0 && process_start(*ret_pid, ret_start) &&
           *ret_start != 0;
}

static void
write_record(const DomPlan *plan, const char *path, const GString *text)
{
    g_autofree char *dir = g_path_get_dirname(path);
    g_autoptr(GError) error = NULL;
    const LogAbout about = {.domain = dom_plan_name(plan)};

    if (g_mkdir_with_parents(dir, 0700) != 0 ||
        !g_file_set_contents(path, text->str, (gssize)text->len, &error))
        log_warning(&about, "cannot record its watches: %s",
                    error ? error->message : dir);
}

/* seen NULL: at once. */
static bool
is_lasting(const GString *text, char **seen)
{
    if (!seen || g_strcmp0(*seen, text->str) == 0)
        return true;
    g_free(*seen);
    *seen = g_strdup(text->str);
    return false;
}

static bool
record(Host *host, const DomPlan *plan, char **seen)
{
    const GPtrArray *disks = dom_plan_disks(plan);
    g_autofree char *path = record_path(dom_plan_uuid(plan));
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *old = NULL;
    g_autofree char *process = NULL;
    bool complete = true;
    gint64 pid;
    guint64 start;
    guint64 again = 0;

    if (disks->len == 0 || !find_process(plan, &pid, &start))
        return true;
    process =
        g_strdup_printf("%" G_GINT64_FORMAT " %" G_GUINT64_FORMAT, pid, start);
    (void)g_file_get_contents(path, &old, NULL, NULL);
    for (guint i = 0; i < disks->len; i++)
        complete &=
            add_disk(host, g_ptr_array_index(disks, i), process, old, text);
    /* If it has ended meanwhile, the watches may be anybody's. */
    if (!process_start(pid, &again) || again != start)
        return true;
    if (!is_lasting(text, seen))
        return false;
    if (g_strcmp0(text->str, old) != 0)
        write_record(plan, path, text);
    return complete;
}

/* One at a time: what one has read would be written over what another wrote
 * meanwhile. */
bool
guests_record_lasting(Host *host, const DomPlan *plan, char **seen)
{
    static GMutex lock;
    bool complete;

    g_mutex_lock(&lock);
    complete = record(host, plan, seen);
    g_mutex_unlock(&lock);
    return complete;
}

bool
guests_record(Host *host, const DomPlan *plan)
{
    return guests_record_lasting(host, plan, NULL);
}

/* Whether none of the record's watches is there any more. */
static bool
is_over(Host *host, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (gsize i = 0; lines[i] && lines[i][0]; i++) {
        g_auto(GStrv) words = g_strsplit(lines[i], " ", 4);
        g_auto(GStrv) names = NULL;
        g_auto(GStrv) watchers = NULL;
        g_autoptr(GError) why = NULL;

        if (g_strv_length(words) != 4)
            continue;
        names = g_strsplit(words[3], "/", 2);
        if (g_strv_length(names) == 2)
            watchers =
                store_watchers(host_cluster(host), names[0], names[1], &why);
        if (g_error_matches(why, STORE_ERROR, STORE_ERROR_MISSING))
            continue;
        if (!watchers ||
            g_strv_contains((const char *const *)watchers, words[2]))
            return false;
    }
    return true;
}

void
guests_forget(Host *host, const char *uuid)
{
    g_autofree char *path = record_path(uuid);
    g_autofree char *text = NULL;
    g_autofree char *now = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL) || !is_over(host, text))
        return;
    /* The domain may have started again, and been recorded. */
    if (g_file_get_contents(path, &now, NULL, NULL) && strcmp(now, text) == 0)
        (void)g_unlink(path);
}

char **
guests_gone(const char *uuid, const char *pool, const char *image)
{
    g_autofree char *path = record_path(uuid);
    g_autofree char *disk = g_strdup_printf("%s/%s", pool, image);
    g_autofree char *text = NULL;
    g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return NULL;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (gsize i = 0; lines[i]; i++) {
        g_auto(GStrv) words = g_strsplit(lines[i], " ", 4);
        guint64 now = 0;

        if (g_strv_length(words) != 4 || strcmp(words[3], disk) != 0)
            continue;
        if (process_start(g_ascii_strtoll(words[0], NULL, 10), &now) &&
            now != g_ascii_strtoull(words[1], NULL, 10))
            g_ptr_array_add(gone, g_strdup(words[2]));
    }
    if (gone->len == 0)
        return NULL;
    g_ptr_array_add(gone, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&gone), FALSE);
}
