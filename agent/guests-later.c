/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/guests-later.c - guests whose watches cannot be told apart yet
 */
#include "config.h"

#include "agent/guests-later.h"

#include "agent/guests.h"
#include "agent/request.h"

#define GIVE_UP_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)

struct GuestsLater {
    GMutex lock;
    GHashTable *guests; /* name -> Guest */
};

typedef struct {
    char *name;
    GBytes *xml;
    gint64 since_us;
    char *seen; /* its watches at the last look, or NULL */
} Guest;

static void
guest_free(gpointer data)
{
    Guest *guest = data;

    g_free(guest->name);
    g_bytes_unref(guest->xml);
    g_free(guest->seen);
    g_free(guest);
}

static Guest *
guest_new(const char *name, GBytes *xml, gint64 since_us, const char *seen)
{
    Guest *guest = g_new0(Guest, 1);

    guest->name = g_strdup(name);
    guest->xml = g_bytes_ref(xml);
    guest->since_us = since_us;
    guest->seen = g_strdup(seen);
    return guest;
}

GuestsLater *
guests_later_new(void)
{
    GuestsLater *later = g_new0(GuestsLater, 1);

    g_mutex_init(&later->lock);
    later->guests =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, guest_free);
    return later;
}

void
guests_later_free(GuestsLater *later)
{
    if (!later)
        return;
    g_hash_table_unref(later->guests);
    g_mutex_clear(&later->lock);
    g_free(later);
}

static void
put(GuestsLater *later, Guest *guest)
{
    g_mutex_lock(&later->lock);
    g_hash_table_replace(later->guests, guest->name, guest);
    g_mutex_unlock(&later->lock);
}

void
guests_later_add(GuestsLater *later,
                 const char *name,
                 const char *xml,
                 gsize len)
{
    g_autoptr(GBytes) copy = g_bytes_new(xml, len);

    put(later, guest_new(name, copy, g_get_monotonic_time(), NULL));
}

static GPtrArray *
all_of(GuestsLater *later)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(guest_free);
    GHashTableIter iter;
    gpointer value;

    g_mutex_lock(&later->lock);
    g_hash_table_iter_init(&iter, later->guests);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Guest *guest = value;

        g_ptr_array_add(all, guest_new(guest->name, guest->xml, guest->since_us,
                                       guest->seen));
    }
    g_mutex_unlock(&later->lock);
    return all;
}

/* Unless it has been added again meanwhile. */
static void
settle(GuestsLater *later, const Guest *guest, bool over)
{
    Guest *now;

    g_mutex_lock(&later->lock);
    now = g_hash_table_lookup(later->guests, guest->name);
    if (now && now->since_us == guest->since_us) {
        g_free(now->seen);
        now->seen = g_strdup(guest->seen);
        if (over)
            g_hash_table_remove(later->guests, guest->name);
    }
    g_mutex_unlock(&later->lock);
}

static bool
is_over(Host *host, Guest *guest)
{
    gsize len;
    const char *xml = g_bytes_get_data(guest->xml, &len);
    g_autoptr(DomPlan) plan = NULL;

    if (g_get_monotonic_time() - guest->since_us > GIVE_UP_US)
        return true;
    plan = request_plan(host, HOST_ASK_NOBODY, xml, len, false, NULL);
    return !plan || guests_record_lasting(host, plan, &guest->seen);
}

void
guests_later_check(GuestsLater *later, Host *host)
{
    g_autoptr(GPtrArray) all = all_of(later);

    for (guint i = 0; i < all->len; i++) {
        Guest *guest = g_ptr_array_index(all, i);

        settle(later, guest, is_over(host, guest));
    }
}

guint
guests_later_count(GuestsLater *later)
{
    guint count;

    g_mutex_lock(&later->lock);
    count = g_hash_table_size(later->guests);
    g_mutex_unlock(&later->lock);
    return count;
}
