/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/arrivals.c - domains that are about to arrive by live migration
 *
 * A file for each number, 'UUID.NUMBER', with the time of the kernel's monotonic
 * clock in it, which all processes of a host share. An offline migration leaves
 * a number in a definition that may be started much later, and cold; so one is
 * good for a minute only. libvirt starts what arrives at once.
 */
#include "config.h"

#include "agent/arrivals.h"

#include <glib/gstdio.h>
#include <string.h>

#define NUMBER_LEN  32
#define GOOD_FOR_US (60 * G_USEC_PER_SEC)

/* Both come from outside, and must name no other file. */
static bool
is_number(const char *text)
{
    return strlen(text) == NUMBER_LEN &&
           strspn(text, "0123456789abcdef") == NUMBER_LEN;
}

static char *
path_of(const char *dir, const char *uuid, const char *number)
{
    g_autofree char *name = g_strdup_printf("%s.%s", uuid, number);

    return g_build_filename(dir, name, NULL);
}

/* A domain arrives once at a time. */
static void
forget_others(const char *dir, const char *uuid)
{
    g_autoptr(GDir) list = g_dir_open(dir, 0, NULL);
    const char *name;

    while (list && (name = g_dir_read_name(list))) {
        g_autofree char *path = g_build_filename(dir, name, NULL);

        if (g_str_has_prefix(name, uuid))
            (void)g_unlink(path);
    }
}

char *
arrivals_note(const char *dir, const char *uuid, GError **error)
{
    g_autofree char *number =
        g_strdup_printf("%08x%08x%08x%08x", g_random_int(), g_random_int(),
                        g_random_int(), g_random_int());
    g_autofree char *path = path_of(dir, uuid, number);
    g_autofree char *text =
        g_strdup_printf("%" G_GINT64_FORMAT, g_get_monotonic_time());

    (void)g_mkdir_with_parents(dir, 0700);
    forget_others(dir, uuid);
    if (!g_file_set_contents_full(path, text, -1,
                                  G_FILE_SET_CONTENTS_CONSISTENT, 0600, error))
        return NULL;
    return g_steal_pointer(&number);
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

bool
arrivals_take(const char *dir, const char *uuid, const char *number)
{
    g_autofree char *path = NULL;
    bool fresh;

    if (!number || !is_number(number) || !g_uuid_string_is_valid(uuid))
        return false;
    path = path_of(dir, uuid, number);
    fresh = is_fresh(path);
    /* Of two who come at once, one removes it. */
    return g_unlink(path) == 0 && fresh;
}
