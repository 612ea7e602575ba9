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
    GHashTable *same; /* a set of those that wait, no two of them the same */
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

/* Under the lock: starts what waits and may be made. */
static void
begin(VirtCalls *calls)
{
    GList *next;

    for (GList *at = calls->waiting.head;
         at && calls->at_work.length < VIRT_CALLS_MAX; at = next) {
        next = at->next;
        if (!may_begin(calls, at->data))
            continue;
        g_queue_unlink(&calls->waiting, at);
        g_hash_table_remove(calls->same, at->data);
        g_queue_push_tail_link(&calls->at_work, at);
        g_thread_pool_push(calls->threads, at->data, NULL);
    }
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

static void
run(gpointer data, gpointer opaque)
{
    VirtCalls *calls = opaque;
    Call *call = data;
    Link *link = take_link(calls);

    make(calls, call, link);
    g_mutex_lock(&calls->lock);
    link->calls--;
    g_queue_remove(&calls->at_work, call);
    begin(calls);
    g_mutex_unlock(&calls->lock);
    g_free(call);
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

void
virt_calls_push(VirtCalls *calls,
                const char *uuid,
                VirtCallKind kind,
                VirtCall run_it,
                gpointer data)
{
    g_autofree Call *call = g_new0(Call, 1);

    for (gsize i = 0; uuid[i] && i < sizeof(call->uuid) - 1; i++)
        call->uuid[i] = g_ascii_tolower(uuid[i]);
    call->kind = kind;
    call->run = run_it;
    call->data = data;
    g_mutex_lock(&calls->lock);
    if (!g_hash_table_contains(calls->same, call)) {
        g_hash_table_add(calls->same, call);
        g_queue_push_tail(&calls->waiting, g_steal_pointer(&call));
        begin(calls);
    }
    g_mutex_unlock(&calls->lock);
}

void
virt_calls_renew(VirtCalls *calls)
{
    g_atomic_int_inc(&calls->age);
}
