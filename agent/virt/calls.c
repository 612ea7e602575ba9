/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/calls.c - calls of libvirt that may wait for a domain's lock
 */
#include "config.h"

#include "agent/virt/calls.h"

#include <string.h>

typedef struct {
    char uuid[VIR_UUID_STRING_BUFLEN]; /* in lower case */
    VirtCallKind kind;
    VirtCall run;
    gpointer data;
    virDomainPtr domain; /* as it was listed; NULL: it is to be looked up */
    gint age;        /* VirtCalls' when the domain's connection was opened */
    gint64 since_us; /* when it was begun */
} Call;

typedef struct {
    guint calls; /* that are made over it; guarded by VirtCalls' lock */
    GMutex lock; /* guards the rest, and is held while one is opened */
    virConnectPtr conn;
    gint age; /* VirtCalls' when it was opened */
} Link;

struct VirtCalls {
    VirtOpen open;
    gpointer data;
    gint age; /* atomic; connections of another are out of date */
    GThreadPool *threads;
    GMutex lock;      /* guards the next, and each link's calls */
    GQueue waiting;   /* of Call, the oldest first */
    GQueue bulk;      /* the same, of those with a domain */
    GHashTable *same; /* a set of those that wait, no two of them the same */
    guint listed;     /* calls over the connection of their domain */
    bool timed;       /* a timer for another look at the bulk is set */
    GQueue at_work;   /* of Call */
    Link links[VIRT_CALLS_LINKS];
};

bool
virt_calls_may_begin(guint at_work, guint of_domain, bool of_kind)
{
    if (at_work >= VIRT_CALLS_MAX || of_kind)
        return false;
    return of_domain == 0 || at_work < VIRT_CALLS_SPARE;
}

static bool
is_of_domain(const Call *a, const Call *b)
{
    return strcmp(a->uuid, b->uuid) == 0;
}

static guint
call_hash(gconstpointer opaque)
{
    const Call *call = opaque;

    return g_str_hash(call->uuid) ^ (guint)call->kind ^
           g_direct_hash(call->data);
}

static gboolean
is_same(gconstpointer a, gconstpointer b)
{
    const Call *one = a;
    const Call *other = b;

    return one->run == other->run && one->data == other->data &&
           one->kind == other->kind && is_of_domain(one, other);
}

/* Under the lock. */
static bool
may_begin(VirtCalls *calls, const Call *call)
{
    guint of_domain = 0;
    bool of_kind = false;

    for (const GList *at = calls->at_work.head; at; at = at->next) {
        const Call *other = at->data;

        if (!is_of_domain(call, other))
            continue;
        of_domain++;
        of_kind = of_kind || other->kind == call->kind;
    }
    return virt_calls_may_begin(calls->at_work.length, of_domain, of_kind);
}

/* Under the lock. */
static void
start(VirtCalls *calls, GQueue *from, GList *at)
{
    Call *call = at->data;

    call->since_us = g_get_monotonic_time();
    g_queue_unlink(from, at);
    g_hash_table_remove(calls->same, call);
    g_queue_push_tail_link(&calls->at_work, at);
    g_thread_pool_push(calls->threads, call, NULL);
}

/* Under the lock: those of the bulk that do not hang, as far as can be said. */
static guint
brisk(const VirtCalls *calls)
{
    gint64 since_us =
        g_get_monotonic_time() - VIRT_CALLS_BRISK_MS * G_TIME_SPAN_MILLISECOND;
    guint n = 0;

    for (const GList *at = calls->at_work.head; at; at = at->next) {
        const Call *call = at->data;

        n += call->domain && call->since_us > since_us;
    }
    return n;
}

/* Under the lock: starts of these what may be made. */
static void
begin_of(VirtCalls *calls, GQueue *from)
{
    GList *next;

    for (GList *at = from->head;
         at && calls->at_work.length < VIRT_CALLS_MAX &&
         (from != &calls->bulk || brisk(calls) < VIRT_CALLS_BULK);
         at = next) {
        next = at->next;
        if (may_begin(calls, at->data))
            start(calls, from, at);
    }
}

static void on_time(int timer, void *opaque);

/* Under the lock. Where those of the bulk that are at work hang, none of them
 * ends and lets the next begin. */
static void
begin(VirtCalls *calls)
{
    begin_of(calls, &calls->waiting);
    begin_of(calls, &calls->bulk);
    if (!g_queue_is_empty(&calls->bulk) && !calls->timed)
        calls->timed =
            virEventAddTimeout(VIRT_CALLS_BRISK_MS, on_time, calls, NULL) >= 0;
}

static void
on_time(int timer, void *opaque)
{
    VirtCalls *calls = opaque;

    (void)virEventRemoveTimeout(timer);
    g_mutex_lock(&calls->lock);
    calls->timed = false;
    begin(calls);
    g_mutex_unlock(&calls->lock);
}

/* The first that has room, so that no more are opened than are needed. There is
 * one, for there are no more threads. */
static Link *
take_link(VirtCalls *calls)
{
    Link *link = calls->links;

    g_mutex_lock(&calls->lock);
    while (link->calls >= VIRT_CALLS_EACH)
        link++;
    link->calls++;
    g_mutex_unlock(&calls->lock);
    return link;
}

static bool
is_good(VirtCalls *calls, const Link *link)
{
    return link->age == g_atomic_int_get(&calls->age) &&
           virConnectIsAlive(link->conn) == 1;
}

/* virConnectClose() it. */
static virConnectPtr
connect_link(VirtCalls *calls, Link *link, GError **error)
{
    virConnectPtr conn = NULL;

    g_mutex_lock(&link->lock);
    if (link->conn && !is_good(calls, link))
        g_clear_pointer(&link->conn, virConnectClose);
    if (!link->conn) {
        link->age = g_atomic_int_get(&calls->age);
        link->conn = calls->open(calls->data, error);
    }
    if (link->conn && virConnectRef(link->conn) == 0)
        conn = link->conn;
    g_mutex_unlock(&link->lock);
    return conn;
}

/* No more than libvirtd serves at once; and never over one that has ended, or
 * is out of date. */
static bool
take_listed(VirtCalls *calls, const Call *call)
{
    bool good = call->domain && call->age == g_atomic_int_get(&calls->age) &&
                virConnectIsAlive(virDomainGetConnect(call->domain)) == 1;

    g_mutex_lock(&calls->lock);
    good = good && calls->listed < VIRT_CALLS_EACH;
    calls->listed += good;
    g_mutex_unlock(&calls->lock);
    return good;
}

static void
make(VirtCalls *calls, const Call *call, Link *link)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(virConnect) conn = connect_link(calls, link, &error);
    g_autoptr(virDomain) domain =
        conn ? virDomainLookupByUUIDString(conn, call->uuid) : NULL;

    if (conn && !domain)
        virt_fail(&error, "cannot find the domain");
    call->run(domain, error, call->data);
}

/* The last of a connection closes it, for which it waits. */
static void
call_free(Call *call)
{
    if (!call)
        return;
    if (call->domain)
        (void)virDomainFree(call->domain);
    g_free(call);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Call, call_free)

static void
run(gpointer data, gpointer opaque)
{
    VirtCalls *calls = opaque;
    g_autoptr(Call) call = data;
    Link *link = NULL;

    if (take_listed(calls, call)) {
        call->run(call->domain, NULL, call->data);
    } else {
        link = take_link(calls);
        make(calls, call, link);
    }
    g_mutex_lock(&calls->lock);
    if (link)
        link->calls--;
    else
        calls->listed--;
    g_queue_remove(&calls->at_work, call);
    begin(calls);
    g_mutex_unlock(&calls->lock);
}

VirtCalls *
virt_calls_new(VirtOpen open, gpointer data)
{
    VirtCalls *calls = g_new0(VirtCalls, 1);

    calls->open = open;
    calls->data = data;
    g_mutex_init(&calls->lock);
    calls->same = g_hash_table_new(call_hash, is_same);
    for (guint i = 0; i < VIRT_CALLS_LINKS; i++)
        g_mutex_init(&calls->links[i].lock);
    calls->threads = g_thread_pool_new(run, calls, VIRT_CALLS_MAX, FALSE, NULL);
    return calls;
}

/* Under the lock: what waits in the bulk is waited for now. */
static void
hurry(VirtCalls *calls, const Call *call)
{
    GList *at = g_queue_find(&calls->bulk, call);

    if (!at)
        return;
    g_queue_unlink(&calls->bulk, at);
    g_queue_push_tail_link(&calls->waiting, at);
}

/* domain: see Call. */
static void
push(VirtCalls *calls, GQueue *to, const Call *what, virDomainPtr domain)
{
    g_autoptr(Call) call = g_memdup2(what, sizeof(*what));
    gpointer same;

    if (domain && virDomainRef(domain) == 0)
        call->domain = domain;
    g_mutex_lock(&calls->lock);
    if (!g_hash_table_lookup_extended(calls->same, call, &same, NULL)) {
        g_hash_table_add(calls->same, call);
        g_queue_push_tail(to, g_steal_pointer(&call));
    } else if (to == &calls->waiting) {
        hurry(calls, same);
    }
    begin(calls);
    g_mutex_unlock(&calls->lock);
}

void
virt_calls_push(VirtCalls *calls,
                const char *uuid,
                VirtCallKind kind,
                VirtCall run_it,
                gpointer data)
{
    Call call = {.kind = kind, .run = run_it, .data = data};

    for (gsize i = 0; uuid[i] && i < sizeof(call.uuid) - 1; i++)
        call.uuid[i] = g_ascii_tolower(uuid[i]);
    push(calls, &calls->waiting, &call, NULL);
}

void
virt_calls_push_bulk(VirtCalls *calls,
                     virDomainPtr domain,
                     gint age,
                     VirtCallKind kind,
                     VirtCall run_it,
                     gpointer data)
{
    Call call = {.kind = kind, .run = run_it, .data = data, .age = age};

    if (virDomainGetUUIDString(domain, call.uuid) == 0)
        push(calls, &calls->bulk, &call, domain);
}

gint
virt_calls_age(VirtCalls *calls)
{
    return g_atomic_int_get(&calls->age);
}

void
virt_calls_renew(VirtCalls *calls)
{
    g_atomic_int_inc(&calls->age);
}
