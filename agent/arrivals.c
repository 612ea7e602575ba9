/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/arrivals.c - domains that are about to arrive by live migration
 */
#include "config.h"

#include "agent/arrivals.h"

#include <glib.h>

#define GOOD_FOR_US (10 * G_USEC_PER_SEC)

struct Arrivals {
    GMutex lock;
    GHashTable *seen; /* name -> gint64 of the monotonic clock */
};

Arrivals *
arrivals_new(void)
{
    Arrivals *arrivals = g_new0(Arrivals, 1);

    g_mutex_init(&arrivals->lock);
    arrivals->seen =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return arrivals;
}

void
arrivals_free(Arrivals *arrivals)
{
    if (!arrivals)
        return;
    g_hash_table_unref(arrivals->seen);
    g_mutex_clear(&arrivals->lock);
    g_free(arrivals);
}

static gboolean
is_old(gpointer name, gpointer when, gpointer now)
{
    (void)name;
    return *(gint64 *)now - *(gint64 *)when > GOOD_FOR_US;
}

void
arrivals_note(Arrivals *arrivals, const char *domain)
{
    gint64 now = g_get_monotonic_time();

    g_mutex_lock(&arrivals->lock);
    g_hash_table_foreach_remove(arrivals->seen, is_old, &now);
    g_hash_table_replace(arrivals->seen, g_strdup(domain),
                         g_memdup2(&now, sizeof(now)));
    g_mutex_unlock(&arrivals->lock);
}

bool
arrivals_take(Arrivals *arrivals, const char *domain)
{
    gint64 now = g_get_monotonic_time();
    bool found;

    g_mutex_lock(&arrivals->lock);
    g_hash_table_foreach_remove(arrivals->seen, is_old, &now);
    found = g_hash_table_remove(arrivals->seen, domain);
    g_mutex_unlock(&arrivals->lock);
    return found;
}
