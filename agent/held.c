/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/held.c - claims between 'prepare' and 'started'
 */
#include "config.h"

#include "agent/held.h"

#include "agent/log.h"

#include <string.h>

/* A start in good order has reported by then. */
#define LOOK_AFTER_US (10 * G_USEC_PER_SEC)
/* No start takes longer: QEMU has opened its disks, or never will. */
#define GIVE_UP_US (600 * G_USEC_PER_SEC)

struct Held {
    GMutex lock;
    GPtrArray *entries; /* of Entry */
    guint64 last;       /* number given */
};

typedef struct {
    guint64 number;
    Host *host;
    char *domain;
    char *uuid;
    GPtrArray *claims;
    gint64 since_us;
    bool attach;
    bool looked_at; /* by held_check(), which then frees it if it must */
    bool ended;
} Entry;

Held *
held_new(void)
{
    Held *held = g_new0(Held, 1);

    g_mutex_init(&held->lock);
    held->entries = g_ptr_array_new();
    return held;
}

/* Dropping is a matter of freeing the claims (disks_claims_new()). */
static void
entry_free(Entry *entry)
{
    g_ptr_array_unref(entry->claims);
    host_unref(entry->host);
    g_free(entry->domain);
    g_free(entry->uuid);
    g_free(entry);
}

void
held_free(Held *held)
{
    if (!held)
        return;
    for (guint i = 0; i < held->entries->len; i++) {
        Entry *entry = g_ptr_array_index(held->entries, i);

        /* Neither dropped nor freed: the process is about to end. */
        g_ptr_array_set_free_func(entry->claims, NULL);
        entry_free(entry);
    }
    g_ptr_array_unref(held->entries);
    g_mutex_clear(&held->lock);
    g_free(held);
}

static guint64
add(Held *held,
    Host *host,
    const char *domain,
    const char *uuid,
    bool attach,
    GPtrArray *claims)
{
    Entry *entry = g_new0(Entry, 1);
    guint64 number;

    entry->host = host_ref(host);
    entry->domain = g_strdup(domain);
    entry->uuid = g_strdup(uuid);
    entry->claims = claims;
    entry->attach = attach;
    entry->since_us = g_get_monotonic_time();
    g_mutex_lock(&held->lock);
    number = entry->number = ++held->last;
    g_ptr_array_add(held->entries, entry);
    g_mutex_unlock(&held->lock);
    return number;
}

guint64
held_add(Held *held,
         Host *host,
         const char *domain,
         const char *uuid,
         GPtrArray *claims)
{
    return add(held, host, domain, uuid, false, claims);
}

guint64
held_add_attach(Held *held,
                Host *host,
                const char *domain,
                const char *uuid,
                GPtrArray *claims)
{
    return add(held, host, domain, uuid, true, claims);
}

static bool
is_of(const Entry *entry, const char *domain, const char *uuid)
{
    return uuid ? strcmp(entry->uuid, uuid) == 0
                : g_strcmp0(entry->domain, domain) == 0;
}

/* Takes an entry out of the list, unless somebody looks at it right now. */
static void
end_entry(Held *held, guint i, GPtrArray *gone)
{
    Entry *entry = g_ptr_array_index(held->entries, i);

    entry->ended = true;
    if (!entry->looked_at)
        g_ptr_array_add(gone, g_ptr_array_steal_index(held->entries, i));
}

static GPtrArray *
gone_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
}

guint
held_drop(Held *held, const char *domain, const char *uuid, gint64 before_us)
{
    g_autoptr(GPtrArray) gone = gone_new();
    guint count = 0;

    g_mutex_lock(&held->lock);
    for (guint i = held->entries->len; i > 0; i--) {
        const Entry *entry = g_ptr_array_index(held->entries, i - 1);

        if (!is_of(entry, domain, uuid) || entry->since_us > before_us)
            continue;
        end_entry(held, i - 1, gone);
        count++;
    }
    g_mutex_unlock(&held->lock);
    return count;
}

void
held_drop_one(Held *held, guint64 number)
{
    g_autoptr(GPtrArray) gone = gone_new();

    g_mutex_lock(&held->lock);
    for (guint i = held->entries->len; i > 0; i--) {
        const Entry *entry = g_ptr_array_index(held->entries, i - 1);

        if (entry->number == number)
            end_entry(held, i - 1, gone);
    }
    g_mutex_unlock(&held->lock);
}

static bool
has_image(const Entry *entry, const char *image)
{
    for (guint i = 0; i < entry->claims->len; i++)
        if (strcmp(store_claim_image(g_ptr_array_index(entry->claims, i)),
                   image) == 0)
            return true;
    return false;
}

void
held_drop_attach(Held *held,
                 const char *uuid,
                 const char *image,
                 gint64 before_us)
{
    g_autoptr(GPtrArray) gone = gone_new();

    g_mutex_lock(&held->lock);
    for (guint i = held->entries->len; i > 0; i--) {
        const Entry *entry = g_ptr_array_index(held->entries, i - 1);

        if (entry->attach && strcmp(entry->uuid, uuid) == 0 &&
            entry->since_us <= before_us && has_image(entry, image))
            end_entry(held, i - 1, gone);
    }
    g_mutex_unlock(&held->lock);
}

/* Whether QEMU has all the disks open. */
static bool
is_in_use(const Entry *entry)
{
    for (guint i = 0; i < entry->claims->len; i++) {
        const StoreClaim *claim = g_ptr_array_index(entry->claims, i);
        g_auto(GStrv) watchers =
            store_watchers(host_cluster(entry->host), store_claim_pool(claim),
                           store_claim_image(claim), NULL);

        if (!watchers || !watchers[0])
            return false;
    }
    return true;
}

/* Borrowed: what is looked at stays in the list, and is not freed. */
static GPtrArray *
mark_old(Held *held)
{
    gint64 now = g_get_monotonic_time();
    GPtrArray *old = g_ptr_array_new();

    g_mutex_lock(&held->lock);
    for (guint i = 0; i < held->entries->len; i++) {
        Entry *entry = g_ptr_array_index(held->entries, i);

        if (entry->looked_at || now - entry->since_us <= LOOK_AFTER_US)
            continue;
        entry->looked_at = true;
        g_ptr_array_add(old, entry);
    }
    g_mutex_unlock(&held->lock);
    return old;
}

static bool
look(const Entry *entry)
{
    const LogAbout about = {.domain = entry->domain};
    bool late = g_get_monotonic_time() - entry->since_us > GIVE_UP_US;

    if (!late && !is_in_use(entry))
        return false;
    log_info(&about, "its claims end: %s",
             late ? "no word of its start" : "QEMU has its disks open");
    return true;
}

void
held_check(Held *held)
{
    g_autoptr(GPtrArray) old = mark_old(held);

    for (guint i = 0; i < old->len; i++) {
        Entry *entry = g_ptr_array_index(old, i);
        bool over = look(entry);

        g_mutex_lock(&held->lock);
        entry->looked_at = false;
        over = over || entry->ended;
        if (over)
            g_ptr_array_remove_fast(held->entries, entry);
        g_mutex_unlock(&held->lock);
        if (over)
            entry_free(entry);
    }
}

guint
held_count(Held *held)
{
    guint count;

    g_mutex_lock(&held->lock);
    count = held->entries->len;
    g_mutex_unlock(&held->lock);
    return count;
}
