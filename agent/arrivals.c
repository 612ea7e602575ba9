/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/arrivals.c - domains that are about to arrive by live migration
 *
 * A file holds the time of the kernel's monotonic clock, which all processes of
 * a host share. Its name is a digest: a domain's may be longer than a file's.
 */
#include "config.h"

#include "agent/arrivals.h"

#include <glib/gstdio.h>

#define GOOD_FOR_US (10 * G_USEC_PER_SEC)

static char *
path_of(const char *dir, const char *domain)
{
    g_autofree char *digest =
        g_compute_checksum_for_string(G_CHECKSUM_SHA256, domain, -1);

    return g_build_filename(dir, digest, NULL);
}

static bool
is_fresh(const char *path)
{
    g_autofree char *text = NULL;
    guint64 when;
    gint64 age;

    if (!g_file_get_contents(path, &text, NULL, NULL) ||
        !g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &when, NULL))
        return false;
    age = g_get_monotonic_time() - (gint64)when;
    return age >= 0 && age <= GOOD_FOR_US;
}

/* Those that nobody used. */
static void
clean(const char *dir)
{
    g_autoptr(GDir) list = g_dir_open(dir, 0, NULL);
    const char *name;

    while (list && (name = g_dir_read_name(list))) {
        g_autofree char *path = g_build_filename(dir, name, NULL);

        if (!is_fresh(path))
            (void)g_unlink(path);
    }
}

gboolean
arrivals_note(const char *dir, const char *domain, GError **error)
{
    g_autofree char *path = path_of(dir, domain);
    g_autofree char *text =
        g_strdup_printf("%" G_GINT64_FORMAT, g_get_monotonic_time());

    (void)g_mkdir_with_parents(dir, 0700);
    clean(dir);
    return g_file_set_contents_full(
        path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}

bool
arrivals_take(const char *dir, const char *domain)
{
    g_autofree char *path = path_of(dir, domain);
    bool fresh = is_fresh(path);

    /* Of two who come at once, one removes it. */
    return g_unlink(path) == 0 && fresh;
}
