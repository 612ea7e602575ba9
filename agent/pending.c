/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/pending.c - domains whose claims are to be settled, and the calls that
 * are under way for their disks
 */
#include "config.h"

#include "agent/pending.h"

#define FIRST_US (1 * G_USEC_PER_SEC)
#define SOON_US  (10 * G_USEC_PER_SEC)
#define LAST_US  (G_GINT64_CONSTANT(600) * G_USEC_PER_SEC)
/* So often at the first pace: others may wait for it, as a guest that is to
 * migrate on. */
#define FIRST_TIMES 10
/* And at the second one: a start or a migration ends within minutes. */
#define SOON_TIMES 40

struct Pending {
    PendingSettle settle;
    gpointer data;
    GThreadPool *threads;
    GMutex lock;
    guint at_work;       /* threads that look at what is due */
    GHashTable *domains; /* uuid -> Domain */
    GHashTable *calls;   /* 'uuid pool/image' -> whether it is over */
};

typedef struct {
    char *uuid;
    char *xml;
    gint64 due_us;
    guint tries;
    bool running; /* somebody is at it */
    bool again;   /* and is to look once more */
} Domain;

static void
domain_free(gpointer data)
{
    Domain *domain = data;

    g_free(domain->uuid);
    g_free(domain->xml);
    g_free(domain);
}

/* Under the lock. */
static Domain *
find_or_add(Pending *pending, const char *uuid)
{
    Domain *domain = g_hash_table_lookup(pending->domains, uuid);

    if (!domain) {
        domain = g_new0(Domain, 1);
        domain->uuid = g_strdup(uuid);
        g_hash_table_insert(pending->domains, domain->uuid, domain);
    }
    return domain;
}

void
pending_add(Pending *pending, const char *uuid, const char *xml)
{
    Domain *domain;

    g_mutex_lock(&pending->lock);
    domain = find_or_add(pending, uuid);
    domain->due_us = 0;
    domain->tries = 0;
    domain->again = domain->running;
    if (xml) {
        g_free(domain->xml);
        domain->xml = g_strdup(xml);
    }
    g_mutex_unlock(&pending->lock);
}

static gint64
pause_us(guint tries)
{
    guint more = tries > SOON_TIMES ? MIN(tries - SOON_TIMES, 10u) : 0;

    return tries < FIRST_TIMES ? FIRST_US : MIN(SOON_US << more, LAST_US);
}

/* Under the lock: the caller's from now on; a copy of its definition. */
static char *
take(Domain *domain)
{
    domain->running = true;
    domain->again = false;
    return g_strdup(domain->xml);
}

/* Whether the caller is to look at it; *ret_xml is a copy. */
static bool
enter(Pending *pending, const char *uuid, char **ret_xml)
{
    Domain *domain;
    bool mine;

    g_mutex_lock(&pending->lock);
    domain = g_hash_table_lookup(pending->domains, uuid);
    mine = domain && !domain->running;
    if (domain && domain->running)
        domain->again = true;
    if (mine)
        *ret_xml = take(domain);
    g_mutex_unlock(&pending->lock);
    return mine;
}

static gboolean
is_ended_call(gpointer key, gpointer over, gpointer uuid)
{
    return over && g_str_has_prefix(key, uuid);
}

/* Whether to look once more. */
static bool
leave(Pending *pending, const char *uuid, bool over)
{
    Domain *domain;
    bool again;

    g_mutex_lock(&pending->lock);
    domain = g_hash_table_lookup(pending->domains, uuid);
    again = domain->again;
    domain->running = false;
    domain->due_us = g_get_monotonic_time() + pause_us(domain->tries++);
    if (over && !again) {
        g_hash_table_remove(pending->domains, uuid);
        (void)g_hash_table_foreach_remove(pending->calls, is_ended_call,
                                          (gpointer)(gsize)uuid);
    }
    g_mutex_unlock(&pending->lock);
    return again;
}

/* Of one that was entered. Takes xml over. */
static void
look_at(Pending *pending, const char *uuid, char *xml)
{
    bool over;

    do {
        over = pending->settle(uuid, xml, pending->data);
        g_clear_pointer(&xml, g_free);
    } while (leave(pending, uuid, over) && enter(pending, uuid, &xml));
}

void
pending_run_one(Pending *pending, const char *uuid)
{
    char *xml = NULL;

    if (enter(pending, uuid, &xml))
        look_at(pending, uuid, xml);
}

/* Under the lock: the one that has been due for longest, which is one of which
 * there is news, if any; NULL: none. *ret_number is how many are. */
static Domain *
find_due(Pending *pending, guint *ret_number)
{
    gint64 now = g_get_monotonic_time();
    Domain *first = NULL;
    GHashTableIter iter;
    gpointer value;

    *ret_number = 0;
    g_hash_table_iter_init(&iter, pending->domains);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Domain *domain = value;

        if (domain->running || domain->due_us > now)
            continue;
        ++*ret_number;
        if (!first || domain->due_us < first->due_us)
            first = domain;
    }
    return first;
}

/* As enter(), of one that is due; g_free() it. NULL: none is, and the caller is
 * not at work any more. */
static char *
enter_due(Pending *pending, char **ret_xml)
{
    char *uuid = NULL;
    Domain *domain;
    guint due;

    g_mutex_lock(&pending->lock);
    domain = find_due(pending, &due);
    if (domain) {
        uuid = g_strdup(domain->uuid);
        *ret_xml = take(domain);
    } else {
        pending->at_work--;
    }
    g_mutex_unlock(&pending->lock);
    return uuid;
}

static void
run_due(gpointer unused, gpointer opaque)
{
    Pending *pending = opaque;
    char *uuid;
    char *xml = NULL;

    (void)unused;
    while ((uuid = enter_due(pending, &xml))) {
        look_at(pending, uuid, xml);
        g_free(uuid);
    }
}

Pending *
pending_new(PendingSettle settle, gpointer data)
{
    Pending *pending = g_new0(Pending, 1);

    pending->settle = settle;
    pending->data = data;
    g_mutex_init(&pending->lock);
    pending->domains =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, domain_free);
    pending->calls =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    pending->threads =
        g_thread_pool_new(run_due, pending, PENDING_AT_A_TIME, FALSE, NULL);
    return pending;
}

void
pending_free(Pending *pending)
{
    if (!pending)
        return;
    g_thread_pool_free(pending->threads, FALSE, TRUE);
    g_hash_table_unref(pending->domains);
    g_hash_table_unref(pending->calls);
    g_mutex_clear(&pending->lock);
    g_free(pending);
}

/* When an agent starts, all that run are due. */
void
pending_run(Pending *pending)
{
    guint due;

    g_mutex_lock(&pending->lock);
    (void)find_due(pending, &due);
    for (; due > 0 && pending->at_work < PENDING_AT_A_TIME; due--) {
        pending->at_work++;
        g_thread_pool_push(pending->threads, pending, NULL);
    }
    g_mutex_unlock(&pending->lock);
}

bool
pending_is_at_rest(Pending *pending)
{
    bool rests;

    g_mutex_lock(&pending->lock);
    rests = pending->at_work == 0;
    g_mutex_unlock(&pending->lock);
    return rests;
}

guint
pending_count(Pending *pending)
{
    guint count;

    g_mutex_lock(&pending->lock);
    count = g_hash_table_size(pending->domains);
    g_mutex_unlock(&pending->lock);
    return count;
}

static char *
call_key(const char *uuid, const char *pool, const char *image)
{
    return g_strdup_printf("%s %s/%s", uuid, pool, image);
}

bool
pending_call_begin(Pending *pending,
                   const char *uuid,
                   const char *pool,
                   const char *image)
{
    char *key = call_key(uuid, pool, image);
    gpointer over = NULL;
    bool free_to;

    g_mutex_lock(&pending->lock);
    free_to =
        !g_hash_table_lookup_extended(pending->calls, key, NULL, &over) || over;
    if (free_to)
        g_hash_table_replace(pending->calls, key, GINT_TO_POINTER(false));
    g_mutex_unlock(&pending->lock);
    if (!free_to)
        g_free(key);
    return free_to;
}

void
pending_call_end(Pending *pending,
                 const char *uuid,
                 const char *pool,
                 const char *image)
{
    g_mutex_lock(&pending->lock);
    g_hash_table_replace(pending->calls, call_key(uuid, pool, image),
                         GINT_TO_POINTER(true));
    g_mutex_unlock(&pending->lock);
}

bool
pending_call_is_over(Pending *pending,
                     const char *uuid,
                     const char *pool,
                     const char *image)
{
    g_autofree char *key = call_key(uuid, pool, image);
    bool over;

    g_mutex_lock(&pending->lock);
    over = g_hash_table_lookup(pending->calls, key) != NULL;
    g_mutex_unlock(&pending->lock);
    return over;
}
