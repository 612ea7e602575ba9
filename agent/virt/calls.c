/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * agent/virt/calls.c - calls of libvirt that may wait for a domain's lock
 */
#include "config.h"

#include "agent/virt/calls.h"

#include <string.h>

typedef struct {
    char uuid[VIR_UUID_STRING_BUFLEN];
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
    GMutex lock;    /* guards the two, and each link's calls */
    GQueue waiting; /* of Call, the oldest first */
    GQueue at_work; /* of Call */
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
    return g_ascii_strcasecmp(a->uuid, b->uuid) == 0;
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
    for (guint i = 0; i < VIRT_CALLS_LINKS; i++)
        g_mutex_init(&calls->links[i].lock);
    calls->threads = g_thread_pool_new(run, calls, VIRT_CALLS_MAX, FALSE, NULL);
    return calls;
}

/* Under the lock. */
static bool
waits(VirtCalls *calls, const Call *call)
{
    for (const GList *at = calls->waiting.head; at; at = at->next) {
        const Call *other = at->data;

        if (other->run == call->run && other->data == call->data &&
            other->kind == call->kind && is_of_domain(other, call))
            return true;
    }
    return false;
}

void
virt_calls_push(VirtCalls *calls,
                const char *uuid,
                VirtCallKind kind,
                VirtCall run_it,
                gpointer data)
{
    g_autofree Call *call = g_new0(Call, 1);

    (void)g_strlcpy(call->uuid, uuid, sizeof(call->uuid));
    call->kind = kind;
    call->run = run_it;
    call->data = data;
    g_mutex_lock(&calls->lock);
    if (!waits(calls, call)) {
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
